/// A pickle virtual machine that can build plain values and tensors' descriptions, and nothing else.
///
/// A pickle is a program for a stack machine; Python's own may call any function. This one knows a short list of opcodes
/// (Python's `pickletools` describes them) and of names, and refuses the rest by name.
struct PickleMachine {
  /// Bytes of a pickle, and values that it may keep: far above any network's, far below this machine's memory.
  static let (byteLimit, itemLimit) = (16 << 20, 2_000_000)

  private enum Item {
    case value(PickleValue)
    case mark
  }
  private var input: PickleInput
  private var stack: [Item] = []
  private var memo: [Int: PickleValue] = [:]
  private(set) var boxes: [PickleBox] = []
  /// Values in all boxes: a dictionary may be made of the same list any number of times.
  private var boxed = 0

  /// - Parameter input: stands at the start of a pickle, and after `run` just behind it.
  init(_ input: PickleInput) { self.input = input }

  /// The place in the bytes.
  var position: Int { input.position }

  /// Empties all containers; see `PickleBox`.
  func release() { for box in boxes { box.values = [] } }

  /// Runs the program to its STOP.
  mutating func run() throws(CheckpointProblem) -> PickleValue {
    let start = input.position
    while true {
      guard input.position - start <= Self.byteLimit, stack.count + memo.count + boxes.count + boxed <= Self.itemLimit
      else {
        throw .tooLarge("The list of its contents")
      }
      let place = input.position
      let code = try input.byte()
      guard let opcode = Opcode(rawValue: code) else {
        throw .forbiddenOpcode(Opcode.names[code] ?? "0x" + String(code, radix: 16), at: place)
      }
      if opcode == .stop { return try pop() }
      try execute(opcode)
    }
  }

  private mutating func execute(_ opcode: Opcode) throws(CheckpointProblem) {
    switch opcode {
    case .stop: break
    case .proto: _ = try input.byte()
    case .frame: _ = try input.integer(8)
    case .mark: stack.append(.mark)
    case .pop: _ = stack.popLast()
    case .popMark: _ = try popToMark()
    case .none: push(.none)
    case .newTrue: push(.bool(true))
    case .newFalse: push(.bool(false))
    case .binInt: push(.int(Int(Int32(truncatingIfNeeded: try input.integer(4)))))
    case .binInt1: push(.int(try input.integer(1)))
    case .binInt2: push(.int(try input.integer(2)))
    case .long1: push(try input.long(count: try input.integer(1)))
    case .binFloat: push(.double(try input.double()))
    case .shortBinUnicode: push(.string(try input.text(try input.integer(1))))
    case .binUnicode: push(.string(try input.text(try input.integer(4))))
    case .binUnicode8: push(.string(try input.text(try input.integer(8))))
    case .shortBinString: push(.string(try input.text(try input.integer(1))))
    case .binString: push(.string(try input.text(try input.integer(4))))
    case .shortBinBytes: push(.bytes(try input.bytes(try input.integer(1))))
    case .binBytes: push(.bytes(try input.bytes(try input.integer(4))))
    case .emptyTuple: push(.tuple(box([])))
    case .tuple1, .tuple2, .tuple3:
      push(.tuple(box(try pop(opcode == .tuple1 ? 1 : opcode == .tuple2 ? 2 : 3))))
    case .tuple: push(.tuple(box(try popToMark())))
    case .emptyList: push(.list(box([])))
    case .list: push(.list(box(try popToMark())))
    case .append: try put(1, into: .list)
    case .appends: try put(nil, into: .list)
    case .emptySet: push(.set(box([])))
    case .addItems: try put(nil, into: .emptySet)
    case .emptyDict: push(.dictionary(box([])))
    case .dict: push(.dictionary(box(try pairs(try popToMark()))))
    case .setItem: try put(2, into: .emptyDict)
    case .setItems: try put(nil, into: .emptyDict)
    case .binGet: push(try recall(try input.integer(1)))
    case .longBinGet: push(try recall(try input.integer(4)))
    case .binPut: memo[try input.integer(1)] = try top()
    case .longBinPut: memo[try input.integer(4)] = try top()
    case .memoize: memo[memo.count] = try top()
    case .global: try pushGlobal(try input.line(), try input.line())
    case .stackGlobal:
      let names = try pop(2)
      guard case .string(let module) = names[0], case .string(let name) = names[1] else {
        throw .damaged("a global's name is no string")
      }
      try pushGlobal(module, name)
    case .binPersID: push(.storage(try storage(try pop())))
    case .reduce: try reduce()
    case .build: try build()
    }
  }

  // MARK: The stack

  private mutating func push(_ value: PickleValue) { stack.append(.value(value)) }

  private mutating func box(_ values: [PickleValue]) -> PickleBox {
    let box = PickleBox(values)
    boxes.append(box)
    boxed += values.count
    return box
  }

  private func top() throws(CheckpointProblem) -> PickleValue {
    guard case .value(let value)? = stack.last else { throw .damaged("its stack is empty") }
    return value
  }

  private mutating func pop() throws(CheckpointProblem) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws(CheckpointProblem) -> [PickleValue] {
    var values: [PickleValue] = []
    for _ in 0..<count { values.append(try pop()) }
    return values.reversed()
  }

  private mutating func popToMark() throws(CheckpointProblem) -> [PickleValue] {
    var values: [PickleValue] = []
    while let item = stack.popLast() {
      guard case .value(let value) = item else { return values.reversed() }
      values.append(value)
    }
    throw .damaged("a mark is missing")
  }

  private func pairs(_ values: [PickleValue]) throws(CheckpointProblem) -> [PickleValue] {
    guard values.count.isMultiple(of: 2) else { throw .damaged("a key has no value") }
    return values
  }

  /// Moves `count` values, or those above the mark, into the container below them.
  private mutating func put(_ count: Int?, into kind: Opcode) throws(CheckpointProblem) {
    let values = if let count { try pop(count) } else { try popToMark() }
    boxed += values.count
    switch (try top(), kind) {
    case (.dictionary(let box), .emptyDict):
      box.values += try pairs(values)
    case (.list(let box), .list), (.set(let box), .emptySet):
      box.values += values
    case (let other, _): throw .damaged("items are put into \(other.summary)")
    }
  }

  private func recall(_ index: Int) throws(CheckpointProblem) -> PickleValue {
    guard let value = memo[index] else { throw .damaged("it recalls what it never kept") }
    return value
  }

  // MARK: Names and objects

  private mutating func pushGlobal(_ module: String, _ name: String) throws(CheckpointProblem) {
    guard let global = PickleGlobal(rawValue: "\(module).\(name)") else { throw .forbiddenGlobal("\(module).\(name)") }
    push(.global(global))
  }

  /// A persistent name: ("storage", type, key, device, count), and in old files a sixth value, which must be None.
  private func storage(_ name: PickleValue) throws(CheckpointProblem) -> PickledStorage {
    guard case .tuple(let box) = name, box.values.count == 5 || box.values.count == 6,
      case .string("storage") = box.values[0], case .global(let type) = box.values[1], let dtype = type.dtype,
      case .int(let count) = box.values[4], count >= 0
    else { throw .damaged("a reference is no tensor's storage") }
    if box.values.count == 6 {
      guard case .none = box.values[5] else { throw .damaged("it uses views of storages, as only PyTorch 0.1 wrote") }
    }
    switch box.values[2] {
    case .string(let key): return PickledStorage(key: key, dtype: dtype, count: count)
    case .int(let key): return PickledStorage(key: "\(key)", dtype: dtype, count: count)
    default: throw .damaged("a storage's key is no string")
    }
  }

  private mutating func reduce() throws(CheckpointProblem) {
    let call = try pop(2)
    guard case .global(let global) = call[0], case .tuple(let box) = call[1] else {
      throw .damaged("it calls \(call[0].summary)")
    }
    let arguments = box.values
    switch (global, arguments.count) {
    case (.rebuildTensor, 6...7):
      guard case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1] else { break }
      push(
        .tensor(
          try PickledTensor(
            storage: storage, offset: offset, shape: try integers(arguments[2]), strides: try integers(arguments[3]))))
      return
    case (.rebuildParameter, 3):
      guard case .tensor = arguments[0] else { break }
      push(arguments[0])
      return
    case (.orderedDictionary, 0):
      push(.dictionary(self.box([])))
      return
    case (.orderedDictionary, 1):
      // Protocol 0 and old PyTorch give the items as a list of pairs.
      guard case .list(let items) = arguments[0] else { break }
      var values: [PickleValue] = []
      for item in items.values {
        guard case .list(let pair) = item, pair.values.count == 2 else { throw .damaged("an item is no pair") }
        values += pair.values
      }
      push(.dictionary(self.box(values)))
      return
    case (.size, 1):
      push(arguments[0])
      return
    default: break
    }
    throw .damaged("it calls \(global.rawValue) with other arguments than PyTorch does")
  }

  private func integers(_ value: PickleValue) throws(CheckpointProblem) -> [Int] {
    guard case .tuple(let box) = value, box.values.count <= 64 else { throw .damaged("a tensor's sizes are no tuple") }
    var result: [Int] = []
    for item in box.values {
      guard case .int(let size) = item else { throw .outOfBounds("a tensor's size is \(item.summary)") }
      result.append(size)
    }
    return result
  }

  /// Sets attributes. Only a state_dict has some (`_metadata`, versions of layers), and they are passed over.
  private mutating func build() throws(CheckpointProblem) {
    let attributes = try pop()
    guard case .dictionary = try top(), case .dictionary = attributes else {
      throw .forbiddenOpcode("BUILD of \(try top().summary)", at: input.position - 1)
    }
  }
}
