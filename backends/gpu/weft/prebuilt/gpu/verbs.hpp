// What the prebuilt library of a GPU backend holds: <weft/prebuilt/cuda.hpp> says how it is read.
// WEFT_PREBUILT_POLICY: the backend's.
#if defined(WEFT_PREBUILT) && (defined(__CUDACC__) || defined(__HIP__))  // a plain C++ compiler sees no verbs

// Numbers of one size are sorted by the same code, and so are values of one size.
#define WEFT_PREBUILT_SORT(Bits, Value)                                       \
  WEFT_PREBUILT void gpu::radix_sort_bits<WEFT_PREBUILT_POLICY, Bits, Value>( \
      const WEFT_PREBUILT_POLICY&, Bits*, Value*, offset, const gpu::key_order<Bits>&);
#define WEFT_PREBUILT_SCAN(T, In)                                                                                     \
  WEFT_PREBUILT void gpu::scan<WEFT_PREBUILT_POLICY, In, T*, plus, none, inclusive_t>(                                \
      const WEFT_PREBUILT_POLICY&, In, offset, T*, plus, none, inclusive_t);                                          \
  WEFT_PREBUILT void gpu::scan<WEFT_PREBUILT_POLICY, In, T*, plus, T, exclusive_t>(const WEFT_PREBUILT_POLICY&, In,   \
                                                                                   offset, T*, plus, T, exclusive_t); \
  WEFT_PREBUILT void gpu::reduce_into<WEFT_PREBUILT_POLICY, In, T*, T, plus>(const WEFT_PREBUILT_POLICY&, In, offset, \
                                                                             T*, T, plus);
#define WEFT_PREBUILT_NUMBER(T) \
  WEFT_PREBUILT_SCAN(T, T*)     \
  WEFT_PREBUILT_SCAN(T, const T*)

WEFT_PREBUILT_SORT(std::uint32_t, none)
WEFT_PREBUILT_SORT(std::uint32_t, std::uint32_t)
WEFT_PREBUILT_SORT(std::uint64_t, none)
WEFT_PREBUILT_SORT(std::uint64_t, std::uint32_t)
WEFT_PREBUILT_SORT(std::uint64_t, std::uint64_t)
WEFT_PREBUILT_NUMBER(std::int32_t)
WEFT_PREBUILT_NUMBER(std::uint32_t)
WEFT_PREBUILT_NUMBER(std::int64_t)
WEFT_PREBUILT_NUMBER(std::uint64_t)
WEFT_PREBUILT_NUMBER(float)
WEFT_PREBUILT_NUMBER(double)

#undef WEFT_PREBUILT_NUMBER
#undef WEFT_PREBUILT_SCAN
#undef WEFT_PREBUILT_SORT
#endif
