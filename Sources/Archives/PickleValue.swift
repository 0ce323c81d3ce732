import Torch

/// What a pickle may build here: plain values, and descriptions of tensors. Nothing is called, imported or executed.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  /// Little-endian two's complement of more than 8 bytes.
  case bigInt([UInt8])
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case list(PickleBox)
  case tuple(PickleBox)
  case set(PickleBox)
  case dictionary(PickleBox)
  case global(PickleGlobal)
  case storage(PickledStorage)
  case tensor(PickledTensor)

  /// In words, for a report of what was passed over.
  var summary: String {
    switch self {
    case .none: "None"
    case .bool(let v): v ? "True" : "False"
    case .int(let v): "\(v)"
    case .bigInt: "a large integer"
    case .double(let v): "\(v)"
    case .string(let v): "'\(v.prefix(80))'"
    case .bytes(let v): "\(v.count) bytes"
    case .list(let box): "a list of \(box.values.count)"
    case .tuple(let box): "a tuple of \(box.values.count)"
    case .set(let box): "a set of \(box.values.count)"
    case .dictionary(let box): "a dictionary of \(box.values.count / 2)"
    case .global(let global): global.rawValue
    case .storage: "a storage without a tensor"
    case .tensor(let tensor): "a tensor \(tensor.shape)"
    }
  }
}

/// A container. The machine keeps every box and empties them all at its end, so that neither cycles nor deep nesting
/// outlive it (a chain of a million lists would otherwise overflow the stack when it is released).
final class PickleBox {
  /// A dictionary's keys and values take turns.
  var values: [PickleValue]
  init(_ values: [PickleValue]) { self.values = values }
}

/// The only names that a checkpoint may refer to.
enum PickleGlobal: String {
  case rebuildTensor = "torch._utils._rebuild_tensor_v2"
  case rebuildParameter = "torch._utils._rebuild_parameter"
  case orderedDictionary = "collections.OrderedDict"
  case size = "torch.Size"
  case floatStorage = "torch.FloatStorage"
  case doubleStorage = "torch.DoubleStorage"
  case halfStorage = "torch.HalfStorage"
  case bfloat16Storage = "torch.BFloat16Storage"
  case longStorage = "torch.LongStorage"
  case intStorage = "torch.IntStorage"
  case shortStorage = "torch.ShortStorage"
  case charStorage = "torch.CharStorage"
  case byteStorage = "torch.ByteStorage"
  case boolStorage = "torch.BoolStorage"

  /// Of a storage's elements.
  var dtype: DType? {
    switch self {
    case .floatStorage: .float32
    case .doubleStorage: .float64
    case .halfStorage: .float16
    case .bfloat16Storage: .bfloat16
    case .longStorage: .int64
    case .intStorage: .int32
    case .shortStorage: .int16
    case .charStorage: .int8
    case .byteStorage: .uint8
    case .boolStorage: .bool
    default: nil
    }
  }
}

/// Elements that lie elsewhere in the file, under a key.
struct PickledStorage: Equatable {
  let key: String
  let dtype: DType
  let count: Int
}

/// A view of a storage. Its extent was checked against the storage's.
struct PickledTensor {
  let storage: PickledStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]

  /// - Throws: `outOfBounds` when a size is negative, an index leaves the storage, the arithmetic overflows, or the view
  ///   has more elements than its storage (an expanded tensor could ask for any amount of memory).
  init(storage: PickledStorage, offset: Int, shape: [Int], strides: [Int]) throws(CheckpointProblem) {
    let outside = CheckpointProblem.outOfBounds(
      "a tensor of sizes \(shape), strides \(strides) and offset \(offset) in a storage of \(storage.count)")
    guard shape.count == strides.count, shape.count <= 64, offset >= 0, storage.count >= 0 else { throw outside }
    var (elements, last) = (1, offset)
    for (size, stride) in zip(shape, strides) {
      guard size >= 0, stride >= 0 else { throw outside }
      // A size of 0 doesn't make up for the others, which are multiplied elsewhere, too.
      let (product, overflow) = elements.multipliedReportingOverflow(by: max(size, 1))
      let (reach, far) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
      let (sum, further) = last.addingReportingOverflow(reach)
      guard !overflow, !far, !further else { throw outside }
      (elements, last) = (product, sum)
    }
    guard shape.contains(0) || (last < storage.count && elements <= storage.count) else { throw outside }
    (self.storage, self.offset, self.shape, self.strides) = (storage, offset, shape, strides)
  }

  var count: Int { shape.reduce(1, *) }
  /// Whether the elements lie in row-major order without gaps.
  var isContiguous: Bool {
    var expected = 1
    for (size, stride) in zip(shape, strides).reversed() where size != 1 {
      if stride != expected { return false }
      expected *= size
    }
    return true
  }
}
