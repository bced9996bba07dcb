// What the prebuilt library of a CPU backend holds: <weft/prebuilt/tbb.hpp> says how it is read.
// WEFT_PREBUILT_POLICY, WEFT_PREBUILT_SCHEDULER: the backend's.
#ifdef WEFT_PREBUILT
WEFT_PREBUILT class detail::basic_host_runtime<void>;

#define WEFT_PREBUILT_SCAN(T, In)                                                                               \
  WEFT_PREBUILT void cpu::scan<WEFT_PREBUILT_SCHEDULER, WEFT_PREBUILT_POLICY, In, T*, plus, none, inclusive_t>( \
      const WEFT_PREBUILT_POLICY&, In, offset, T*, plus, none, inclusive_t);                                    \
  WEFT_PREBUILT void cpu::scan<WEFT_PREBUILT_SCHEDULER, WEFT_PREBUILT_POLICY, In, T*, plus, T, exclusive_t>(    \
      const WEFT_PREBUILT_POLICY&, In, offset, T*, plus, T, exclusive_t);                                       \
  WEFT_PREBUILT void cpu::reduce_into<WEFT_PREBUILT_SCHEDULER, cpu::reduce_plan<T, plus>, In, T*, T, plus>(     \
      const cpu::reduce_plan<T, plus>&, In, offset, T*, T, plus);
#define WEFT_PREBUILT_SORT(K, ...)                                                              \
  WEFT_PREBUILT void cpu::detail::sort_elements<WEFT_PREBUILT_SCHEDULER, K, __VA_ARGS__, less>( \
      const cpu::detail::elements_plan<K, __VA_ARGS__, less>&, __VA_ARGS__*, offset, const less&);
#define WEFT_PREBUILT_NUMBER(T)   \
  WEFT_PREBUILT_SCAN(T, T*)       \
  WEFT_PREBUILT_SCAN(T, const T*) \
  WEFT_PREBUILT_SORT(T, T)        \
  WEFT_PREBUILT_SORT(T, cpu::detail::pair_element<T, T>)

WEFT_PREBUILT_NUMBER(std::int32_t)
WEFT_PREBUILT_NUMBER(std::uint32_t)
WEFT_PREBUILT_NUMBER(std::int64_t)
WEFT_PREBUILT_NUMBER(std::uint64_t)
WEFT_PREBUILT_NUMBER(float)
WEFT_PREBUILT_NUMBER(double)

#undef WEFT_PREBUILT_NUMBER
#undef WEFT_PREBUILT_SORT
#undef WEFT_PREBUILT_SCAN
#endif
