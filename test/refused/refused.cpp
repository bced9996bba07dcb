// Wrong calls, one per CASE: each must be refused by the compiler, and what it says must hold the text beside `case
// N:`. CASE 0 is the right form of them all and must compile. run.sh compiles them one by one.
#include <weft/functional.hpp>
#include <weft/iterator.hpp>
#include <weft/reduce.hpp>
#include <weft/seq.hpp>
#include <weft/transform.hpp>
#include <weft/tuple.hpp>

#include <list>
#include <string>
#include <vector>

struct text_only {
  int operator()(const std::string& s) const { return static_cast<int>(s.size()); }
};

void wrong() {
  [[maybe_unused]] std::vector<int> v(3), w(3);
  [[maybe_unused]] const std::vector<int> fixed(3);
  [[maybe_unused]] std::list<int> list;
#if CASE == 0
  weft::transform(weft::seq, v.begin(), v.end(), w.begin(), weft::negate{});
  (void)weft::reduce(weft::seq, v.begin(), v.end(), 0, weft::plus{});
  *weft::zip(v.begin(), w.begin()) = weft::make_tuple(1, 2);
  weft::tie(v[0], w[0]) = weft::make_tuple(1, 2);
#elif CASE == 1   // case 1: execution_policy
  (void)weft::reduce(1, v.begin(), v.end(), 0, weft::plus{});
#elif CASE == 2   // case 2: random_access
  (void)weft::reduce(weft::seq, list.begin(), list.end(), 0, weft::plus{});
#elif CASE == 3   // case 3: random_access
  (void)weft::reduce(weft::seq, 1, 2, 0, weft::plus{});
#elif CASE == 4   // case 4: folds
  (void)weft::reduce(weft::seq, v.begin(), v.end(), 0, text_only{});
#elif CASE == 5   // case 5: unary_function
  weft::transform(weft::seq, v.begin(), v.end(), w.begin(), text_only{});
#elif CASE == 6   // case 6: callable_with
  (void)weft::transformed(v.begin(), text_only{});
#elif CASE == 7   // case 7: counting_iterator counts in an integer type
  (void)weft::counting(1.5);
#elif CASE == 8   // case 8: zip_iterator needs at least one iterator
  (void)weft::zip();
#elif CASE == 9   // case 9: operator=
  *weft::zip(v.begin(), fixed.begin()) = weft::make_tuple(1, 2);
#elif CASE == 10  // case 10: assign
  *weft::counting(1) = 2;
#elif CASE == 11  // case 11: tuple
  [[maybe_unused]] weft::tuple<int, int> three = weft::make_tuple(1, 2, 3);
#elif CASE == 12  // case 12: tuple
  [[maybe_unused]] weft::tuple<int&, int&> dangling = weft::make_tuple(1, 2);
#endif
}
