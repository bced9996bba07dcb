// Wrong calls, one per CASE: each must be refused by the compiler, and what it says must hold the text beside `case
// N:`. CASE 0 is the right form of them all and must compile. run.sh compiles them one by one.
#include <weft/senders.hpp>
#include <weft/seq.hpp>
#include <weft/weft.hpp>

#include <functional>
#include <list>
#include <string>
#include <vector>

struct point {
  int x, y;
};
struct text_only {
  int operator()(const std::string& s) const { return static_cast<int>(s.size()); }
};

void wrong() {
  [[maybe_unused]] std::vector<int> v(3), w(3);
  [[maybe_unused]] const std::vector<int> fixed(3);
  [[maybe_unused]] std::list<int> list;
  [[maybe_unused]] std::vector<point> points(3);
#if CASE == 0
  weft::transform(weft::seq, v.begin(), v.end(), w.begin(), weft::negate{});
  (void)weft::reduce(weft::seq, v.begin(), v.end(), 0, weft::plus{});
  weft::sort(weft::seq, v.begin(), v.end());
  weft::copy(weft::seq, points.begin(), points.end(), points.begin());
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
#elif CASE == 13  // case 13: orders
  weft::sort(weft::seq, points.begin(), points.end());
#elif CASE == 14  // case 14: orders
  weft::sort(weft::seq, v.begin(), v.end(), text_only{});
#elif CASE == 15  // case 15: writable
  weft::sort(weft::seq, fixed.begin(), fixed.end());
#elif CASE == 16  // case 16: folds
  (void)weft::reduce(weft::seq, points.begin(), points.end());
#elif CASE == 17  // case 17: folds
  weft::inclusive_scan(weft::seq, points.begin(), points.end(), points.begin());
#elif CASE == 18  // case 18: count_pointer
  weft::copy_if_into(weft::seq, v.begin(), v.end(), w.begin(), w.begin(), weft::logical_not{});
#elif CASE == 19  // case 19: predicate_on
  (void)weft::copy_if(weft::seq, v.begin(), v.end(), w.begin(), text_only{});
#elif CASE == 20  // case 20: relation_on
  (void)weft::unique(weft::seq, points.begin(), points.end());
#elif CASE == 21  // case 21: writable
  weft::copy(weft::seq, points.begin(), points.end(), v.begin());
#elif CASE == 22  // case 22: element_action
  weft::for_each(weft::seq, v.begin(), v.end(), text_only{});
#elif CASE == 23  // case 23: random_access
  weft::sort(weft::seq, list.begin(), list.end());
#elif CASE == 24  // case 24: relation_on
  (void)weft::find(weft::seq, points.begin(), points.end(), 3);
#elif CASE == 25  // case 25: execution_policy
  weft::merge(std::less<>{}, v.begin(), v.end(), v.begin(), v.end(), w.begin());
#elif CASE == 26  // case 26: calls must take the policy and what is sent
  weft::stream s{weft::seq};
  weft::sync_wait(weft::enqueue(weft::seq.on(s), [](const auto&) { return 1; }) |
                  weft::enqueue(weft::seq.on(s), [](const auto&) {}));
#elif CASE == 27  // case 27: policy_of_any_kind
  (void)weft::enqueue(1, [](const auto&) {});
#endif
}
