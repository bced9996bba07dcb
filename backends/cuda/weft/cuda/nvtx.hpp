// Ranges for NVIDIA's profilers (Nsight Systems, Nsight Compute): while a weft::nvtx_ranges lives, each algorithm is an
// NVTX range of the domain "weft" with the algorithm's name. Needs no compiler of CUDA's and links nothing; without a
// profiler a range costs some nanoseconds.
//
//   weft::nvtx_ranges ranges;
#pragma once

#include <weft/profile.hpp>

#include <nvtx3/nvToolsExt.h>

#include <string>

namespace weft::inline v100 {

class nvtx_ranges final : profile::tool {
 public:
  nvtx_ranges() : domain_(nvtxDomainCreateA("weft")), attached_(profile::attach(*this)) {}
  nvtx_ranges(const nvtx_ranges&) = delete;
  nvtx_ranges& operator=(const nvtx_ranges&) = delete;
  ~nvtx_ranges() {
    if (attached_) profile::detach(*this);
    nvtxDomainDestroy(domain_);
  }
  /// False when eight tools are attached already.
  bool attached() const noexcept { return attached_; }

 private:
  void begin(const profile::event& e) noexcept override {
    if (e.what != profile::kind::algorithm) return;
    char name[96];  // NVTX wants an end of the text, which a view need not have
    const std::size_t n = e.name.copy(name, sizeof name - 1);
    name[n] = '\0';
    nvtxEventAttributes_t range{};
    range.version = NVTX_VERSION;
    range.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    range.messageType = NVTX_MESSAGE_TYPE_ASCII;
    range.message.ascii = name;
    nvtxDomainRangePushEx(domain_, &range);
  }
  void end(const profile::event& e) noexcept override {
    if (e.what == profile::kind::algorithm) nvtxDomainRangePop(domain_);
  }

  const nvtxDomainHandle_t domain_;
  const bool attached_;
};

}  // namespace weft
