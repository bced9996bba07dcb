// What a plug-in offers its host: plain C types only.
#pragma once

struct plugin_functions {
  long (*version)();
  bool (*run)(long n, const float* x, float* sum);  // sorts, scans, allocates; false where something is wrong
  const void* (*singleton)(int which);              // nullptr behind the last
  void (*listen)(bool on);                          // a tool of the plug-in's own counts what it is told
  long (*heard)();
};
