// What every prebuilt library holds of the memory pools: <weft/prebuilt/tbb.hpp> says how it is read.
#ifdef WEFT_PREBUILT
WEFT_PREBUILT class basic_pool<vendor_source, size_classes, stream_ordered, poisoned>;
WEFT_PREBUILT class detail::stream_lists<288, true>;
#endif
