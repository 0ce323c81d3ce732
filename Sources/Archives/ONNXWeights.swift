import Torch

/// The weights inside an ONNX file: its graph's float32 initializers by their names, and what the graph computes with.
///
/// ONNX is a message of Protocol Buffers. Only what is needed is read, every length is checked against what is there,
/// and nothing is executed; weights in other files beside it aren't looked for.
public struct ONNXWeights {
  public let tensors: [String: Tensor]
  /// Kinds of the graph's nodes in their order, such as "Conv".
  public let kinds: [String]

  /// - Parameter name: for errors.
  /// - Throws: `ONNXError`.
  public init(_ bytes: [UInt8], named name: String) throws(ONNXError) {
    var found: [String: Tensor] = [:]
    var kinds: [String] = []
    var graphs = 0
    var model = Message(bytes[...], name)
    while let (field, value) = try model.next() {
      guard field == 7, case .bytes(let graph) = value else { continue }
      graphs += 1
      var parts = Message(graph, name)
      while let (field, value) = try parts.next() {
        switch (field, value) {
        case (1, .bytes(let node)): kinds.append(try Self.kind(of: node, name))
        case (5, .bytes(let tensor)):
          if let (key, tensor) = try Self.tensor(tensor, name) { found[key] = tensor }
        default: break
        }
      }
    }
    guard graphs == 1, !kinds.isEmpty else { throw ONNXError(name, .notONNX) }
    (tensors, self.kinds) = (found, kinds)
  }

  private static func kind(of node: ArraySlice<UInt8>, _ name: String) throws(ONNXError) -> String {
    var parts = Message(node, name)
    while let (field, value) = try parts.next() {
      if field == 4, case .bytes(let kind) = value { return String(decoding: kind, as: UTF8.self) }
    }
    throw ONNXError(name, .notONNX)
  }

  /// Nil for what isn't float32.
  private static func tensor(_ bytes: ArraySlice<UInt8>, _ name: String) throws(ONNXError) -> (String, Tensor)? {
    var (dims, type, key): ([Int], UInt64, String) = ([], 0, "")
    var raw: ArraySlice<UInt8>?
    var parts = Message(bytes, name)
    while let (field, value) = try parts.next() {
      switch (field, value) {
      case (1, .number(let size)): dims.append(Int(clamping: size))
      case (1, .bytes(let packed)):
        var sizes = Message(packed, name)
        while !sizes.isAtEnd { dims.append(Int(clamping: try sizes.number())) }
      case (2, .number(let number)): type = number
      case (4, .bytes(let floats)), (9, .bytes(let floats)): raw = floats
      case (8, .bytes(let text)): key = String(decoding: text, as: UTF8.self)
      default: break
      }
    }
    guard type == 1 else { return nil }
    var count = 1
    for size in dims {
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: size)
      guard size > 0, !isTooLarge, product <= bytes.count else { throw ONNXError(name, .tensor(key)) }
      count = product
    }
    guard let raw, raw.count == 4 * count, dims.count <= 8 else { throw ONNXError(name, .tensor(key)) }
    let floats = raw.withUnsafeBytes { source in
      (0..<count).map {
        Float(bitPattern: UInt32(littleEndian: source.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
    return (key, Tensor(floats, shape: dims))
  }
}

/// A message of Protocol Buffers, field by field (protobuf.dev/programming-guides/encoding).
private struct Message {
  enum Value { case number(UInt64), bytes(ArraySlice<UInt8>), other }
  private var rest: ArraySlice<UInt8>
  private let name: String

  init(_ bytes: ArraySlice<UInt8>, _ name: String) { (rest, self.name) = (bytes, name) }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func next() throws(ONNXError) -> (field: UInt64, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let tag = try number()
    switch tag & 7 {
    case 0: return (tag >> 3, .number(try number()))
    case 1:
      _ = try taken(8)
      return (tag >> 3, .other)
    case 2: return (tag >> 3, .bytes(try taken(number())))
    case 5:
      _ = try taken(4)
      return (tag >> 3, .other)
    default: throw ONNXError(name, .notONNX)
    }
  }

  /// A varint.
  mutating func number() throws(ONNXError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw ONNXError(name, .endsTooEarly) }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw ONNXError(name, .notONNX)
  }

  private mutating func taken(_ count: UInt64) throws(ONNXError) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else { throw ONNXError(name, .endsTooEarly) }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }
}

/// Why an ONNX file can't be read.
public struct ONNXError: Explained, Equatable {
  public enum Reason: Equatable, Sendable {
    case notONNX
    case endsTooEarly
    /// Its shape, and the bytes that are there.
    case tensor(String)
  }
  public let name: String
  public let reason: Reason

  init(_ name: String, _ reason: Reason) { (self.name, self.reason) = (name, reason) }

  public var sentence: String {
    let what =
      switch reason {
      case .notONNX: "isn't an ONNX network"
      case .endsTooEarly: "ends too early"
      case .tensor(let key): "has a weight '\(key)' whose size doesn't fit its shape"
      }
    return "\(name) \(what): get it again from where it came from."
  }
  public var exit: Exit { .data }
}
