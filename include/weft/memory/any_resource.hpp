// any_resource: a resource held by value, whatever its type, in the manner of std::any over std::pmr. memory_resource&
// borrows; any_resource shares: copies refer to the same resource, which ends with the last of them. So a class may
// keep its resource as a member, and a resource need not derive from memory_resource.
#pragma once

#include <weft/memory.hpp>

#include <memory>
#include <utility>

namespace weft::inline v100 {

/// What may stand behind any_resource: the two functions of memory_resource, by any class. `kind()` and `name()` are
/// used where they exist.
template <class R>
concept resource = requires(R& r, void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) {
  { r.allocate(bytes, alignment, stream) } -> std::same_as<void*>;
  { r.deallocate(memory, bytes, alignment, stream) }
  noexcept;
};

class any_resource final : public memory_resource {
 public:
  /// Takes the resource over.
  template <class R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, any_resource> && resource<std::remove_cvref_t<R>> &&
             std::is_constructible_v<std::remove_cvref_t<R>, R>)
  any_resource(R&& taken) : any_resource(std::in_place_type<std::remove_cvref_t<R>>, std::forward<R>(taken)) {}
  /// Makes an R in place, for resources that do not move (pools): `any_resource(std::in_place_type<pool_resource>, p)`.
  template <resource R, class... Arguments>
  explicit any_resource(std::in_place_type_t<R>, Arguments&&... arguments)
      : held_(std::make_shared<holder<R>>(std::forward<Arguments>(arguments)...)) {}
  /// Refers to a resource that lives elsewhere and must outlive this.
  static any_resource borrowed(memory_resource& lives_elsewhere) {
    return any_resource(std::in_place_type<reference>, lives_elsewhere);
  }
  any_resource(const any_resource&) noexcept = default;  // and no move: there is always a resource
  any_resource& operator=(const any_resource&) noexcept = default;

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    return held_->allocate(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    held_->deallocate(memory, bytes, alignment, stream);
  }
  memory_kind kind() const noexcept override { return held_->kind(); }
  std::string_view name() const noexcept override { return held_->name(); }
  bool exclusive() const noexcept override { return held_->exclusive(); }

  /// The resource held, or nullptr when it is not an R.
  template <class R>
  R* target() const noexcept {
    return held_->type == &type_of<R> ? &static_cast<holder<R>*>(held_.get())->resource : nullptr;
  }
  /// True when both share one resource: what the one allocated the other may free.
  friend bool operator==(const any_resource& a, const any_resource& b) noexcept { return a.held_ == b.held_; }

 private:
  template <class R>
  inline static constexpr char type_of = 0;  // its address stands for the type: no RTTI needed

  struct interface {
    explicit interface(const char* t) noexcept : type(t) {}
    virtual ~interface() = default;
    virtual void* allocate(std::size_t, std::size_t, stream_ref) = 0;
    virtual void deallocate(void*, std::size_t, std::size_t, stream_ref) noexcept = 0;
    virtual memory_kind kind() const noexcept = 0;
    virtual std::string_view name() const noexcept = 0;
    virtual bool exclusive() const noexcept = 0;
    const char* type;
  };
  template <class R>
  struct holder final : interface {
    template <class... Arguments>
    explicit holder(Arguments&&... arguments)
        : interface(&type_of<R>), resource(std::forward<Arguments>(arguments)...) {}
    void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
      return resource.allocate(bytes, alignment, stream);
    }
    void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
      resource.deallocate(memory, bytes, alignment, stream);
    }
    memory_kind kind() const noexcept override {
      if constexpr (requires {
                      { resource.kind() } -> std::same_as<memory_kind>;
                    })
        return resource.kind();
      else
        return memory_kind::unknown;
    }
    std::string_view name() const noexcept override {
      if constexpr (requires { std::string_view(resource.name()); })
        return resource.name();
      else
        return "user's resource";
    }
    bool exclusive() const noexcept override {
      if constexpr (requires {
                      { resource.exclusive() } -> std::same_as<bool>;
                    })
        return resource.exclusive();
      else
        return false;
    }
    R resource;
  };
  struct reference {
    explicit reference(memory_resource& r) noexcept : to(&r) {}
    void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) {
      return to->allocate(bytes, alignment, stream);
    }
    void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept {
      to->deallocate(memory, bytes, alignment, stream);
    }
    memory_kind kind() const noexcept { return to->kind(); }
    std::string_view name() const noexcept { return to->name(); }
    bool exclusive() const noexcept { return to->exclusive(); }
    memory_resource* to;
  };

  std::shared_ptr<interface> held_;
};

}  // namespace weft
