// gemm_grouped: every member is the product that gemm makes of it with require(same_bits), bit for bit, for many
// shapes at once; captured; wrong members are named and nothing runs.
#include <weft/gemm/grouped.hpp>
#include <weft/graph.hpp>

#include "gemm_data.hpp"

namespace {

template <class T, class TC>
struct group {
  std::vector<stored<T>> a, b;
  std::vector<room<T>> da, db;
  std::vector<room<TC>> c, wanted;
  std::vector<weft::gemm_member<T, T, TC>> members;

  void add(offset m, offset n, offset k, int orders) {
    const auto seed = static_cast<u64>(3 * a.size());
    a.emplace_back(m, k, orders & 1, 1, seed), b.emplace_back(k, n, orders & 2, 0, seed + 1);
    const auto before = values<i32>(std::max<offset>(m * n, 1), seed + 2);
    std::vector<TC> small;
    for (const i32 x : before) small.push_back(static_cast<TC>(x % 8));
    da.emplace_back(a.back().values), db.emplace_back(b.back().values);
    c.emplace_back(small), wanted.emplace_back(small);
    by_columns.push_back(orders & 4);
  }
  weft::matrix<TC> view(std::size_t i, TC* data) const {
    return by_columns[i] ? weft::column_major(data, a[i].rows, b[i].columns)
                         : weft::row_major(data, a[i].rows, b[i].columns);
  }
  void make() {
    for (std::size_t i = 0; i < a.size(); ++i)
      members.push_back(
          {a[i].view(std::as_const(da[i]).begin()), b[i].view(std::as_const(db[i]).begin()), view(i, c[i].begin())});
  }
  template <class Options>
  void require_all(const Options& options) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      INFO("member " << i);
      weft::gemm(policy.require(weft::same_bits), members[i].a, members[i].b, view(i, wanted[i].begin()), options);
      require_same(host_copy(c[i]), host_copy(wanted[i]));
    }
  }

 private:
  std::vector<bool> by_columns;
};

}  // namespace

TEST_CASE("gemm_grouped of many shapes, one without elements and one without k among them") {
  group<float, float> g;
  for (int i = 0; i < (emulated ? 60 : 110); ++i) {
    const auto size = [&](u64 which, offset most) {
      return static_cast<offset>(random_bits(which, static_cast<u64>(i)) % static_cast<u64>(most)) + 1;
    };
    g.add(size(1, 70), size(2, 50), size(3, 40), i);
  }
  g.add(0, 4, 3, 0), g.add(5, 6, 0, 0);
  if (!emulated) g.add(400, 300, 700, 0);
  g.make();
  using options = weft::gemm_options<float, weft::relu>;
  const options how{.alpha = 0.5f, .beta = 2.f, .epilogue = {}};
  weft::gemm_grouped(policy, g.members, how);
  g.require_all(how);
}

TEST_CASE("gemm_grouped of other types, of one member and of none") {
  group<std::int8_t, i32> q;
  q.add(33, 20, 70, 3), q.add(5, 90, 11, 4);
  q.make();
  weft::gemm_grouped(policy, q.members);
  q.require_all(weft::gemm_options<i32>{});
  group<double, double> d;
  d.add(33, 20, 70, 5);
  d.make();
  weft::gemm_grouped(policy, d.members);
  d.require_all(weft::gemm_options<double>{});
  weft::gemm_grouped(policy, std::vector<weft::gemm_member<float>>{});
}

TEST_CASE("gemm_grouped is recorded with its list") {
  group<float, float> g;
  g.add(20, 30, 10, 0), g.add(7, 5, 60, 1);
  g.make();
  weft::stream stream{policy};
  auto list = g.members;
  const weft::graph graph = weft::capture(stream, [&] { weft::gemm_grouped(policy.on(stream), list); });
  list.clear();
  graph.launch(stream);
  stream.synchronize();
  g.require_all(weft::gemm_options<float>{});
}

TEST_CASE("gemm_grouped names the member that is wrong, and touches nothing") {
  group<float, float> g;
  g.add(4, 4, 4, 0), g.add(4, 4, 4, 0);
  g.make();
  const auto before = host_copy(g.c[0]);
  auto bad = g.members;
  bad[1].b.rows = 3;
  CHECK(contains(refusal([&] { weft::gemm_grouped(policy, bad); }), "member 1: gemm: shapes do not match"));
  bad = g.members, bad[1].a.data = nullptr;
  CHECK(contains(refusal([&] { weft::gemm_grouped(policy, bad); }), "member 1: gemm: A: null"));
  bad = g.members, bad[0].a.data = bad[0].c.data;
  CHECK(contains(refusal([&] { weft::gemm_grouped(policy, bad); }), "member 0: gemm: C overlaps A"));
  require_same(host_copy(g.c[0]), before);
}
