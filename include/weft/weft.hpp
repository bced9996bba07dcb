// Everything a backend-independent program needs: all algorithms, iterators, function objects, streams and buffers. Add
// the header of one or more backends (weft/cuda.hpp, weft/tbb.hpp, …). Holds no code.
#pragma once

#include <weft/adjacent.hpp>
#include <weft/buffer.hpp>
#include <weft/by_key.hpp>
#include <weft/copy.hpp>
#include <weft/error.hpp>
#include <weft/fill.hpp>
#include <weft/find.hpp>
#include <weft/for_each.hpp>
#include <weft/functional.hpp>
#include <weft/gemm.hpp>
#include <weft/gemm/grouped.hpp>
#include <weft/gemm/plan.hpp>
#include <weft/histogram.hpp>
#include <weft/iterator.hpp>
#include <weft/memory.hpp>
#include <weft/merge.hpp>
#include <weft/policy.hpp>
#include <weft/random.hpp>
#include <weft/reduce.hpp>
#include <weft/rotate.hpp>
#include <weft/run_length.hpp>
#include <weft/scan.hpp>
#include <weft/search.hpp>
#include <weft/segmented.hpp>
#include <weft/select.hpp>
#include <weft/set_operations.hpp>
#include <weft/sort.hpp>
#include <weft/stream.hpp>
#include <weft/top_k.hpp>
#include <weft/transform.hpp>
#include <weft/tuple.hpp>
