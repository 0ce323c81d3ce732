import Archives
import Testing
import Torch

/// ONNX's format on a network of one weight, whole and damaged.
@Suite struct ONNXTests {
  /// A field of Protocol Buffers with a length.
  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2, UInt8(bytes.count)] + bytes
  }
  private static func tensor(
    dims: [UInt8], type: UInt8 = 1, name: String = "w", floats: [Float] = [1, 2, 3, 4, 5, 6]
  ) -> [UInt8] {
    let raw = floats.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    return dims.flatMap { [8, $0] } + [16, type] + field(8, Array(name.utf8)) + field(9, raw)
  }
  private static func model(_ tensors: [[UInt8]]) -> [UInt8] {
    let node = field(1, Array("x".utf8)) + field(4, Array("Conv".utf8))
    // A version, as a number, before the graph.
    return [8, 0x88, 1] + field(7, field(1, node) + tensors.flatMap { field(5, $0) })
  }

  private func reason(_ bytes: [UInt8]) -> ONNXError.Reason? {
    do {
      _ = try ONNXWeights(bytes, named: "net")
      return nil
    } catch { return error.reason }
  }

  @Test func weightsHaveTheirNamesAndShapes() throws {
    // Whole numbers are passed over.
    let found = try ONNXWeights(
      Self.model([Self.tensor(dims: [2, 3]), Self.tensor(dims: [6], type: 7, name: "n")]), named: "net")
    #expect(found.kinds == ["Conv"] && found.tensors.keys.sorted() == ["w"])
    #expect(found.tensors["w"]!.shape == [2, 3] && found.tensors["w"]!.floats == [1, 2, 3, 4, 5, 6])
  }

  @Test func aDamagedFileIsRefused() {
    let whole = Self.model([Self.tensor(dims: [2, 3])])
    // Some ends fall between fields, which leaves a message without a graph.
    for count in 0..<whole.count { #expect(reason(Array(whole.prefix(count))) != nil, "\(count) bytes") }
    #expect(reason(Self.model([Self.tensor(dims: [2, 4])])) == .tensor("w"))
    #expect(reason(Self.model([Self.tensor(dims: [0, 3])])) == .tensor("w"))
    #expect(
      reason(Self.model([Self.tensor(dims: [127, 127, 127, 127, 127, 127, 127, 127, 127, 127])])) == .tensor("w"))
    #expect(reason(Array("no network at all".utf8)) != nil)
    #expect(reason([UInt8](repeating: 0xff, count: 40)) == .notONNX)
  }
}
