import Foundation

/// Open Sound Control 1.0 (Wright 2002, opensoundcontrol.stanford.edu/spec-1_0): what fader boxes and music programs send.
enum OSC {
  enum Value: Equatable, Sendable {
    case integer(Int64)
    case number(Double)
    case string(String)
    case blob(Data)
    case flag(Bool)
    case none

    /// What moves a parameter; nil for what is no number.
    var level: Double? {
      switch self {
      case .integer(let value): Double(value)
      case .number(let value): value.isFinite ? value : nil
      case .flag(let isOn): isOn ? 1 : 0
      case .string, .blob, .none: nil
      }
    }
  }

  struct Message: Equatable, Sendable {
    /// It may be a pattern.
    let address: String
    let values: [Value]
  }

  /// Why a packet is thrown away as a whole.
  enum Damage: Error, Equatable {
    /// It ends before what it announces, or isn't a multiple of four bytes.
    case length
    case address
    case types
    /// A type that isn't known: what follows can't be found.
    case unknownType(Character)
    case text
    /// Bundles in bundles, more than eight deep.
    case depth
  }

  /// The messages of a datagram, in order. Time tags aren't waited for: what comes is played at once.
  ///
  /// - Throws: `Damage`; whatever the bytes are, nothing else happens.
  static func messages(in packet: some Collection<UInt8>) throws(Damage) -> [Message] {
    var messages: [Message] = []
    try read(Array(packet)[...], depth: 0, into: &messages)
    return messages
  }

  private static let bundle: [UInt8] = Array("#bundle\0".utf8)

  private static func read(_ bytes: ArraySlice<UInt8>, depth: Int, into messages: inout [Message]) throws(Damage) {
    guard depth <= 8 else { throw .depth }
    guard !bytes.isEmpty, bytes.count % 4 == 0 else { throw .length }
    guard bytes.starts(with: bundle) else {
      messages.append(try message(bytes))
      return
    }
    // After the name, a time tag of eight bytes.
    guard bytes.count >= 16 else { throw .length }
    var rest = bytes.dropFirst(16)
    while !rest.isEmpty {
      var reader = Reader(rest: rest)
      let count = Int(try reader.word())
      guard count > 0, count <= reader.rest.count else { throw .length }
      try read(reader.rest.prefix(count), depth: depth + 1, into: &messages)
      rest = reader.rest.dropFirst(count)
    }
  }

  private static func message(_ bytes: ArraySlice<UInt8>) throws(Damage) -> Message {
    var reader = Reader(rest: bytes)
    let address = try reader.text()
    guard address.hasPrefix("/") else { throw .address }
    // Old senders leave the types out where there are no arguments.
    guard !reader.rest.isEmpty else { return Message(address: address, values: []) }
    let types = try reader.text()
    guard types.hasPrefix(",") else { throw .types }
    var values: [Value] = []
    for type in types.dropFirst() { values.append(try reader.value(type)) }
    guard reader.rest.isEmpty else { throw .length }
    return Message(address: address, values: values)
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func take(_ count: Int) throws(Damage) -> ArraySlice<UInt8> {
      guard count >= 0, count <= rest.count else { throw .length }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }

    mutating func word() throws(Damage) -> UInt32 { try take(4).reduce(0) { $0 << 8 | UInt32($1) } }
    mutating func long() throws(Damage) -> UInt64 { try take(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// Ends with one to four zeros, to a multiple of four bytes.
    mutating func text() throws(Damage) -> String {
      guard let end = rest.firstIndex(of: 0) else { throw .length }
      let count = end - rest.startIndex
      let field = try take(count / 4 * 4 + 4)
      guard field.dropFirst(count).allSatisfy({ $0 == 0 }),
        let text = String(validating: field.prefix(count), as: UTF8.self)
      else { throw .text }
      return text
    }

    mutating func value(_ type: Character) throws(Damage) -> Value {
      switch type {
      case "i": return .integer(Int64(Int32(bitPattern: try word())))
      case "h": return .integer(Int64(bitPattern: try long()))
      case "f": return .number(Double(Float(bitPattern: try word())))
      case "d": return .number(Double(bitPattern: try long()))
      case "s", "S": return .string(try text())
      case "b":
        let count = Int(try word())
        let blob = try take(count)
        _ = try take((4 - count % 4) % 4)
        return .blob(Data(blob))
      case "T": return .flag(true)
      case "F": return .flag(false)
      // An impulse (a button), and nothing.
      case "I": return .flag(true)
      case "N": return .none
      case "t":
        _ = try long()
        return .none
      default: throw .unknownType(type)
      }
    }
  }
}

extension OSC {
  /// Whether an address that may be a pattern means `address`: `?`, `*`, `[a-f]`, `[!0-9]` and `{one,two}`, none across a slash.
  static func matches(_ pattern: String, _ address: String) -> Bool {
    let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
    let names = address.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == names.count && zip(parts, names).allSatisfy { matches(part: Array($0), Array($1)) }
  }

  /// Follows all places at once where the pattern so far may have ended: no pattern takes longer than its length times the name's.
  private static func matches(part: [Character], _ name: [Character]) -> Bool {
    var places: Set = [0], at = 0
    func step(_ isIt: (Character) -> Bool) {
      places = Set(places.compactMap { $0 < name.count && isIt(name[$0]) ? $0 + 1 : nil })
    }
    while at < part.count, !places.isEmpty {
      switch part[at] {
      case "?": step { _ in true }
      case "*": places = Set(places.min()!...name.count)
      case "[":
        guard let end = part[at...].firstIndex(of: "]") else { return false }
        var inner = part[(at + 1)..<end]
        let isOther = inner.first == "!"
        if isOther { inner = inner.dropFirst() }
        step { isOther != contains(Array(inner), $0) }
        at = end
      case "{":
        guard let end = part[at...].firstIndex(of: "}") else { return false }
        let words = part[(at + 1)..<end].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
        places = Set(places.flatMap { from in words.filter { name[from...].starts(with: $0) }.map { from + $0.count } })
        at = end
      case let letter: step { $0 == letter }
      }
      at += 1
    }
    return places.contains(name.count)
  }

  private static func contains(_ set: [Character], _ letter: Character) -> Bool {
    var at = 0
    while at < set.count {
      // A hyphen at the end stands for itself.
      if at + 2 < set.count, set[at + 1] == "-" {
        if set[at] <= letter && letter <= set[at + 2] { return true }
        at += 3
      } else {
        if set[at] == letter { return true }
        at += 1
      }
    }
    return false
  }
}
