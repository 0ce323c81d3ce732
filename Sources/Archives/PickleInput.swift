/// The opcodes that checkpoints need.
enum Opcode: UInt8 {
  case stop = 0x2E
  case proto = 0x80
  case frame = 0x95
  case mark = 0x28
  case pop = 0x30
  case popMark = 0x31
  case none = 0x4E
  case newTrue = 0x88
  case newFalse = 0x89
  case binInt = 0x4A
  case binInt1 = 0x4B
  case binInt2 = 0x4D
  case long1 = 0x8A
  case binFloat = 0x47
  case shortBinUnicode = 0x8C
  case binUnicode = 0x58
  case binUnicode8 = 0x8D
  case shortBinString = 0x55
  case binString = 0x54
  case shortBinBytes = 0x43
  case binBytes = 0x42
  case emptyTuple = 0x29
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case tuple = 0x74
  case emptyList = 0x5D
  case list = 0x6C
  case append = 0x61
  case appends = 0x65
  case emptySet = 0x8F
  case addItems = 0x90
  case emptyDict = 0x7D
  case dict = 0x64
  case setItem = 0x73
  case setItems = 0x75
  case binGet = 0x68
  case longBinGet = 0x6A
  case binPut = 0x71
  case longBinPut = 0x72
  case memoize = 0x94
  case global = 0x63
  case stackGlobal = 0x93
  case reduce = 0x52
  case build = 0x62
  case binPersID = 0x51

  /// The names of those that are refused and could do harm, for the sentence.
  static let names: [UInt8: String] = [
    0x69: "INST", 0x6F: "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4",
    0x50: "PERSID", 0x32: "DUP", 0x49: "INT", 0x4C: "LONG", 0x8B: "LONG4", 0x53: "STRING", 0x56: "UNICODE",
    0x46: "FLOAT", 0x67: "GET", 0x70: "PUT", 0x8E: "BINBYTES8", 0x91: "FROZENSET", 0x96: "BYTEARRAY8",
    0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
  ]
}

/// Little-endian values out of bytes that may end anywhere.
struct PickleInput {
  private let bytes: [UInt8]
  private(set) var position: Int

  init(_ bytes: [UInt8], at position: Int = 0) { (self.bytes, self.position) = (bytes, position) }

  private mutating func advance(_ count: Int) throws(CheckpointProblem) -> Range<Int> {
    guard count >= 0, count <= bytes.count - position else { throw .damaged("it ends too early") }
    defer { position += count }
    return position..<position + count
  }

  mutating func byte() throws(CheckpointProblem) -> UInt8 { bytes[try advance(1).lowerBound] }
  mutating func bytes(_ count: Int) throws(CheckpointProblem) -> [UInt8] { Array(bytes[try advance(count)]) }

  /// Unsigned; 8 bytes beyond `Int.max` come out negative, which no count accepts.
  mutating func integer(_ width: Int) throws(CheckpointProblem) -> Int {
    var value: UInt64 = 0
    for (shift, index) in try advance(width).enumerated() { value |= UInt64(bytes[index]) << UInt64(8 * shift) }
    return Int(truncatingIfNeeded: value)
  }

  /// Two's complement of any length.
  mutating func long(count: Int) throws(CheckpointProblem) -> PickleValue {
    let digits = try bytes(count)
    guard count <= 8 else { return .bigInt(digits) }
    var value: UInt64 = (digits.last ?? 0) & 0x80 != 0 ? .max : 0
    for digit in digits.reversed() { value = value << 8 | UInt64(digit) }
    return .int(Int(truncatingIfNeeded: value))
  }

  /// Big-endian, the only such value in a pickle.
  mutating func double() throws(CheckpointProblem) -> Double {
    var bits: UInt64 = 0
    for index in try advance(8) { bits = bits << 8 | UInt64(bytes[index]) }
    return Double(bitPattern: bits)
  }

  mutating func text(_ count: Int) throws(CheckpointProblem) -> String {
    guard let text = String(validating: bytes[try advance(count)], as: UTF8.self) else {
      throw .damaged("a name is not UTF-8")
    }
    return text
  }

  /// Up to a line feed, which is passed over.
  mutating func line() throws(CheckpointProblem) -> String {
    guard let end = bytes[position...].prefix(1_000).firstIndex(of: 0x0A) else { throw .damaged("a name doesn't end") }
    let line = try text(end - position)
    _ = try byte()
    return line
  }
}
