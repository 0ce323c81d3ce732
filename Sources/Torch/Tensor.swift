import CTorch

/// A multi-dimensional array. A reference: views and in-place operations share storage, as in PyTorch.
///
/// Not Sendable: a run is plain synchronous code on one thread, and only values leave it.
public final class Tensor {
  let handle: ct_tensor
  init(owning handle: ct_tensor) { self.handle = handle }
  deinit { ct_release(handle) }
}

// MARK: Making

extension Tensor {
  /// - Parameter shape: one dimension when it is left out.
  public convenience init(_ values: [Float], shape: [Int]? = nil) { self.init(list: values, shape, .float32) }
  public convenience init(_ values: [Double], shape: [Int]? = nil) { self.init(list: values, shape, .float64) }
  public convenience init(_ values: [Int], shape: [Int]? = nil) { self.init(list: values, shape, .int64) }
  public convenience init(_ values: [UInt8], shape: [Int]? = nil) { self.init(list: values, shape, .uint8) }
  public convenience init(_ values: [Bool], shape: [Int]? = nil) { self.init(list: values, shape, .bool) }

  /// Row-major elements, copied.
  public convenience init(copying bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
    var out: ct_tensor?
    check(
      ct_from_bytes(bytes.baseAddress, bytes.count, shape.map(Int64.init), shape.count, dtype.rawValue, &out), "Tensor")
    self.init(owning: out!)
  }

  private convenience init<Element>(list: [Element], _ shape: [Int]?, _ dtype: DType) {
    let shape = shape ?? [list.count]
    precondition(shape.reduce(1, *) == list.count, "\(list.count) values don't fill a tensor of shape \(shape)")
    var out: ct_tensor?
    let failed = list.withUnsafeBytes {
      ct_from_bytes($0.baseAddress, $0.count, shape.map(Int64.init), shape.count, dtype.rawValue, &out)
    }
    check(failed, "Tensor")
    self.init(owning: out!)
  }

  public static func zeros(_ shape: [Int], dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
    aten.zeros(.ints(shape), .dtype(dtype), nil, .device(device))
  }
  public static func ones(_ shape: [Int], dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
    aten.ones(.ints(shape), .dtype(dtype), nil, .device(device))
  }
  /// Uninitialised.
  public static func empty(_ shape: [Int], dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
    aten.empty(.ints(shape), .dtype(dtype), nil, .device(device))
  }
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, on device: Device = .cpu) -> Tensor
  {
    aten.full(.ints(shape), .double(value), .dtype(dtype), nil, .device(device))
  }
  /// 0, 1, … `count - 1`.
  public static func arange(_ count: Int, dtype: DType = .int64, on device: Device = .cpu) -> Tensor {
    aten.arange(.int(count), .dtype(dtype), nil, .device(device))
  }
  /// `count` values from `start` to `end`, both included.
  public static func linspace(
    from start: Double, to end: Double, count: Int, dtype: DType = .float32, on device: Device = .cpu
  ) -> Tensor {
    aten.linspace(.double(start), .double(end), .int(count), .dtype(dtype), nil, .device(device))
  }
  /// The identity matrix [n, n].
  public static func eye(_ n: Int, dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
    aten.eye(.int(n), .dtype(dtype), nil, .device(device))
  }
  /// Along a new dimension.
  public static func stacked(_ tensors: [Tensor], dim: Int = 0) -> Tensor { aten.stack(.tensors(tensors), .int(dim)) }
  /// Along an existing dimension.
  public static func concatenated(_ tensors: [Tensor], dim: Int = 0) -> Tensor {
    aten.cat(.tensors(tensors), .int(dim))
  }
  public func zerosLike() -> Tensor { aten.zerosLike(.tensor(self)) }
  public func onesLike() -> Tensor { aten.onesLike(.tensor(self)) }
  public func emptyLike() -> Tensor { aten.emptyLike(.tensor(self)) }
}

// MARK: Looking

extension Tensor {
  public var rank: Int { ct_ndim(handle) }
  public var shape: [Int] { (0..<ct_ndim(handle)).map { Int(ct_size(handle, $0)) } }
  /// How many elements.
  public var count: Int { Int(ct_numel(handle)) }
  public var device: Device { Device(ct_tensor_device(handle)) }
  public var isContiguous: Bool { ct_is_contiguous(handle, false) }
  /// Whether several of its elements are in one place, as of one number that was expanded.
  public var isExpanded: Bool { ct_is_expanded(handle) }
  /// Whether the channels of a pixel lie side by side in memory.
  public var isChannelsLast: Bool { ct_is_contiguous(handle, true) }
  public var dtype: DType {
    guard let dtype = DType(rawValue: Int32(ct_dtype(handle))) else {
      fatalError("LibTorch uses an unknown type of element, number \(ct_dtype(handle))")
    }
    return dtype
  }
  /// The size of a dimension; negative ones count from the last.
  public func size(_ dim: Int) -> Int {
    let d = dim < 0 ? dim + rank : dim
    precondition(d >= 0 && d < rank, "dimension \(dim) of a tensor of shape \(shape)")
    return Int(ct_size(handle, d))
  }

  /// The elements in row-major order, converted and copied to the CPU.
  public var floats: [Float] { copied(.float32) }
  public var doubles: [Double] { copied(.float64) }
  public var ints: [Int] { copied(.int64) }
  /// The elements as uint8, row-major.
  public var bytes: [UInt8] { copied(.uint8) }
  public var bools: [Bool] { copied(.bool) }
  /// The memory of the elements, row-major, in their own type.
  public var rawBytes: [UInt8] {
    let size = count * dtype.byteCount
    return [UInt8](unsafeUninitializedCapacity: size) {
      check(ct_copy_bytes(handle, dtype.rawValue, $0.baseAddress, size), "rawBytes")
      $1 = size
    }
  }
  private func copied<Element>(_ dtype: DType) -> [Element] {
    let n = count
    return [Element](unsafeUninitializedCapacity: n) {
      check(ct_copy_bytes(handle, dtype.rawValue, $0.baseAddress, n * dtype.byteCount), "copy")
      $1 = n
    }
  }
  /// The value of a tensor with one element.
  public func item() -> Double {
    var value = 0.0
    check(ct_item(handle, &value), "item of shape \(shape)")
    return value
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    "Tensor(\(shape), \(dtype), \(device)\(count <= 16 ? ": \(doubles)" : ""))"
  }
}

// MARK: Type, device, memory

extension Tensor {
  public func to(_ dtype: DType) -> Tensor {
    dtype == self.dtype ? self : aten.toType(.tensor(self), .dtype(dtype))
  }
  public func to(_ device: Device) -> Tensor {
    device == self.device ? self : aten.toOptions(.tensor(self), nil, nil, .device(device))
  }
  public func contiguous() -> Tensor { isContiguous ? self : aten.contiguous(.tensor(self)) }
  /// The same picture batch [N, C, H, W] (or volume, rank 5) with a pixel's channels side by side; other ranks as they
  /// are.
  public func channelsLast() -> Tensor {
    guard rank == 4 || rank == 5 else { return self }
    return aten.contiguous(.tensor(self), .int(rank == 4 ? 2 : 3))
  }
  public func cloned() -> Tensor { aten.clone(.tensor(self)) }
  /// The same storage, cut from the graph.
  public func detached() -> Tensor { aten.detach(.tensor(self)) }
  public var requiresGradient: Bool { ct_requires_grad(handle) }
  public var isLeaf: Bool { ct_is_leaf(handle) }
  /// Makes this leaf a variable (or not), and returns it.
  @discardableResult
  public func requiringGradient(_ on: Bool = true) -> Tensor {
    check(ct_set_requires_grad(handle, on), "requiringGradient")
    return self
  }
  /// Takes the other's storage, shape and device while it stays the same object: how a module's parameters move.
  public func become(_ other: Tensor) { check(ct_set_data(handle, other.handle), "become") }
}
