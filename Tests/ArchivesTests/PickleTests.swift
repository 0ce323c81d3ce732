import Testing
import Torch

@testable import Archives

/// Pickles written by hand, one attack each.
@Suite struct PickleTests {
  private func run(_ program: [UInt8]) throws(CheckpointProblem) -> PickleValue {
    var machine = PickleMachine(PickleInput(program))
    defer { machine.release() }
    return try machine.run()
  }
  private func text(_ s: String) -> [UInt8] { [0x58, UInt8(s.utf8.count), 0, 0, 0] + Array(s.utf8) }
  private func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
  private func int(_ v: Int32) -> [UInt8] { [0x4A] + withUnsafeBytes(of: v.littleEndian) { Array($0) } }
  private func joined(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }
  private let mark: [UInt8] = [0x28]
  private let tuple: [UInt8] = [0x74]
  private let stop: [UInt8] = [0x2E]
  private let reduce: [UInt8] = [0x52]

  /// ("storage", torch.FloatStorage, "0", "cpu", count) as a persistent name.
  private func storage(_ count: Int32) -> [UInt8] {
    joined(
      mark, text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), int(count), tuple, [0x51])
  }
  private func tensor(offset: [UInt8], sizes: [UInt8], strides: [UInt8], count: Int32 = 6) -> [UInt8] {
    joined(
      global("torch._utils", "_rebuild_tensor_v2"), mark, storage(count), offset, mark, sizes, tuple, mark, strides,
      tuple, [0x89], [0x4E], tuple, reduce, stop)
  }

  @Test(arguments: [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("subprocess", "Popen"),
    ("torch", "load"), ("torch.jit", "load"), ("torch._utils", "_rebuild_qtensor"),
    ("torch.storage", "_load_from_bytes"),
    ("collections", "OrderedDict.fromkeys"), ("numpy.core.multiarray", "_reconstruct"), ("argparse", "Namespace"),
  ])
  func globalsAreRefusedByName(_ module: String, _ name: String) {
    let forbidden = CheckpointProblem.forbiddenGlobal("\(module).\(name)")
    #expect(throws: forbidden) { try run(joined(global(module, name), mark, text("x"), tuple, reduce, stop)) }
    #expect(throws: forbidden) { try run(joined(text(module), text(name), [0x93], mark, tuple, reduce, stop)) }
  }

  @Test(arguments: [
    (UInt8(0x69), "INST"), (0x6F, "OBJ"), (0x81, "NEWOBJ"), (0x92, "NEWOBJ_EX"), (0x82, "EXT1"), (0x50, "PERSID"),
    (0x97, "NEXT_BUFFER"), (0xFE, "0xfe"),
  ])
  func opcodesAreRefusedByName(_ code: UInt8, _ name: String) {
    #expect(throws: CheckpointProblem.forbiddenOpcode(name, at: 2)) { try run([0x80, 0x02, code]) }
  }

  @Test func attributesOfAnythingButADictionaryAreRefused() {
    #expect(throws: CheckpointProblem.forbiddenOpcode("BUILD of a list of 0", at: 2)) {
      try run([0x5D, 0x7D, 0x62, 0x2E])
    }
    #expect(throws: CheckpointProblem.forbiddenOpcode("BUILD of torch.FloatStorage", at: 21)) {
      try run(joined(global("torch", "FloatStorage"), [0x7D, 0x62, 0x2E]))
    }
  }

  @Test func callingAValueIsRefused() {
    #expect(throws: CheckpointProblem.self) {
      try run(joined(text("os.system"), mark, text("ls"), tuple, reduce, stop))
    }
    #expect(throws: CheckpointProblem.self) { try run(joined(global("torch", "FloatStorage"), [0x29], reduce, stop)) }
    #expect(throws: CheckpointProblem.self) {
      try run(joined(global("collections", "OrderedDict"), mark, text("x"), tuple, reduce, stop))
    }
  }

  @Test func aTensorWithinItsStorageIsDescribed() throws {
    let value = try run(tensor(offset: int(1), sizes: joined(int(2), int(2)), strides: joined(int(3), int(1))))
    guard case .tensor(let view) = value else { return #expect(Bool(false)) }
    #expect(view.shape == [2, 2])
    #expect(view.strides == [3, 1])
    #expect(view.offset == 1)
    #expect(!view.isContiguous)
  }

  @Test func aTensorOutsideItsStorageIsRefused() {
    let huge: [UInt8] = [0x8A, 8] + withUnsafeBytes(of: Int(1) << 40) { Array($0) }
    let attacks = [
      tensor(offset: int(1), sizes: int(6), strides: int(1)),  // One past the end.
      tensor(offset: int(0), sizes: joined(int(2), int(3)), strides: joined(int(4), int(1))),  // A stride too long.
      tensor(offset: int(-1), sizes: int(2), strides: int(1)),
      tensor(offset: int(5), sizes: int(2), strides: int(-1)),
      tensor(offset: int(0), sizes: int(-2), strides: int(1)),
      tensor(offset: int(0), sizes: joined(int(2), int(3)), strides: int(1)),  // A stride missing.
      tensor(offset: huge, sizes: int(1), strides: int(1)),
      tensor(offset: int(0), sizes: huge + huge, strides: huge + huge),  // 2⁸⁰ overflows.
      tensor(offset: int(0), sizes: int(0) + huge + huge, strides: int(1) + int(1) + int(1)),  // Beside a zero, too.
      tensor(offset: int(0), sizes: joined(int(1000), int(1000)), strides: joined(int(0), int(0))),  // A million.
      tensor(offset: int(0), sizes: int(1), strides: int(1), count: 0),
    ]
    for program in attacks {
      let problem = #expect(throws: CheckpointProblem.self) { try run(program) }
      var isOutOfBounds = false
      if case .outOfBounds = problem { isOutOfBounds = true }
      #expect(isOutOfBounds, "\(String(describing: problem))")
    }
    #expect(throws: CheckpointProblem.self) {
      try run(tensor(offset: int(0), sizes: int(1), strides: int(1), count: -1))
    }
  }

  @Test func aBillionLaughsAreCounted() throws {
    // Nine lists, each ten times the one before: 10⁹ values in 300 bytes.
    var program = text("lol")
    for level in 0..<9 {
      program += [0x71, UInt8(level), 0x30, 0x5D, 0x28]
      for _ in 0..<10 { program += [0x68, UInt8(level)] }
      program += [0x65]
    }
    var machine = PickleMachine(PickleInput(program + stop))
    defer { machine.release() }
    let root = try machine.run()
    #expect(throws: CheckpointProblem.tooLarge("The nesting of its values")) { try Contents(of: root, byteLimit: 1) }
  }

  @Test func aListInItselfAndDeepNestingEnd() throws {
    for program in [
      [0x5D, 0x71, 0x00, 0x68, 0x00, 0x61, 0x2E],  // l.append(l)
      joined([UInt8](repeating: 0x5D, count: 100_000), [UInt8](repeating: 0x61, count: 99_999), stop),
      joined([0x4E], [UInt8](repeating: 0x85, count: 100_000), stop),
    ] {
      var machine = PickleMachine(PickleInput(program))
      let root = try machine.run()
      #expect(throws: CheckpointProblem.tooLarge("The nesting of its values")) { try Contents(of: root, byteLimit: 1) }
      machine.release()
    }
  }

  @Test func tooManyValuesAreRefused() {
    #expect(throws: CheckpointProblem.tooLarge("The list of its contents")) {
      try run(joined([UInt8](repeating: 0x5D, count: 3_000_000), stop))
    }
  }

  /// A list of 100,000 pairs, of which a thousand dictionaries are made: 200 million values in 400 KB.
  @Test func copiesOfAListAreCounted() {
    var program = joined([0x5D, 0x28], text("a"), [0x4E, 0x65, 0x71, 0x00, 0x30, 0x5D, 0x28])
    for _ in 0..<100_000 { program += [0x68, 0x00] }
    program = joined(program, [0x65, 0x85, 0x71, 0x01, 0x30], global("collections", "OrderedDict"))
    program += [0x71, 0x02, 0x30]
    for _ in 0..<1000 { program += [0x68, 0x02, 0x68, 0x01, 0x52, 0x30] }
    #expect(throws: CheckpointProblem.tooLarge("The list of its contents")) {
      try run(joined(program, [0x4E], stop))
    }
  }

  /// A thousand values under a name of a megabyte: their names would be a gigabyte.
  @Test func lengthsOfNamesAreLimited() throws {
    let name = [UInt8](repeating: 0x61, count: 1 << 20)
    let program = joined(
      [0x7D, 0x58, 0, 0, 0x10, 0], name, [0x5D, 0x28], [UInt8](repeating: 0x4E, count: 1000), [0x65, 0x73], stop)
    var machine = PickleMachine(PickleInput(program))
    defer { machine.release() }
    let root = try machine.run()
    #expect(throws: CheckpointProblem.tooLarge("The length of its names")) { _ = try Contents(of: root, byteLimit: 1) }
  }

  @Test func tensorsTogetherAreLimited() throws {
    let program = tensor(offset: int(0), sizes: int(1000), strides: int(1), count: 1000)
    var machine = PickleMachine(PickleInput(program))
    defer { machine.release() }
    let root = try machine.run()
    #expect(throws: CheckpointProblem.tooLarge("The storage '0'")) { try Contents(of: root, byteLimit: 3999) }
    #expect(try Contents(of: root, byteLimit: 4000).tensors.count == 1)
  }

  @Test(
    arguments: [
      [], [0x80], [0x2E], [0x52, 0x2E], [0x58, 0xFF, 0xFF, 0xFF, 0x7F, 0x61],
      [0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
      [0x68, 0x05, 0x2E], [0x74, 0x2E], [0x28, 0x2E], [0x4E, 0x61, 0x2E], [0x58, 1, 0, 0, 0, 0xFF, 0x2E], [0x63, 0x61],
      [0x7D, 0x28, 0x4E, 0x75, 0x2E], [0x4E, 0x51, 0x2E],
    ] as [[UInt8]])
  func nonsenseIsDamaged(_ program: [UInt8]) {
    let problem = #expect(throws: CheckpointProblem.self) { try run(program) }
    guard case .damaged = problem else { return #expect(Bool(false), "\(String(describing: problem))") }
  }
}
