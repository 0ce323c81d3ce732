import Files
import Foundation

/// The JSON Schema of a Codable type, found by decoding it from nothing and writing down what it asks for: what the OpenAPI document
/// says is what the code reads, and can't drift from it.
enum Schema {
  static func of(_ type: any Decodable.Type) -> JSON {
    // What may be anything says so.
    if let one = one(type) { return one }
    let decoder = Asking()
    // A type that asks for what can't be made up ends early; what it asked for before is known.
    _ = try? type.init(from: decoder)
    return decoder.note.schema
  }

  static func one(_ type: Any.Type) -> JSON? {
    func plain(_ name: String) -> JSON { .object(["type": .string(name)]) }
    switch type {
    case is String.Type: return plain("string")
    case is Bool.Type: return plain("boolean")
    case is Int.Type, is Int32.Type, is Int64.Type, is UInt64.Type: return plain("integer")
    case is Double.Type, is Float.Type: return plain("number")
    case is Date.Type: return .object(["type": .string("string"), "format": .string("date-time")])
    case is JSON.Type: return .object([:])
    case let type as any CaseIterable.Type: return cases(type)
    default: return nil
    }
  }

  private static func cases<Cases: CaseIterable>(_ type: Cases.Type) -> JSON? {
    let names = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
    return names.isEmpty ? nil : .object(["type": .string("string"), "enum": .list(names.map { .string($0) })])
  }
}

/// What was asked for.
private final class Note {
  var schema: JSON = .object([:])
  var properties: [String: JSON] = [:]
  var required: [String] = []

  func keep() {
    var object: [String: JSON] = ["type": .string("object"), "properties": .object(properties)]
    if !required.isEmpty { object["required"] = .list(required.sorted().map { .string($0) }) }
    schema = .object(object)
  }
}

/// Answers every question with a value made up for its type.
private final class Asking: Decoder {
  let note = Note()
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    note.keep()
    return KeyedDecodingContainer(Keyed<Key>(note))
  }
  func unkeyedContainer() -> any UnkeyedDecodingContainer { Unkeyed(note) }
  func singleValueContainer() -> any SingleValueDecodingContainer { Single(note) }

  /// A made-up value, and the schema of its type.
  static func value<Value: Decodable>(_ type: Value.Type) throws -> (Value, JSON) {
    if let made = made(type) { return (made, Schema.one(type) ?? .object([:])) }
    let decoder = Asking()
    let value = try? type.init(from: decoder)
    // Of an enumeration, no string that is made up is a case.
    let schema = Schema.one(type) ?? decoder.note.schema
    guard let value else { throw Unknown(schema: schema) }
    return (value, schema)
  }

  struct Unknown: Error { let schema: JSON }

  private static func made<Value>(_ type: Value.Type) -> Value? {
    if let cases = type as? any CaseIterable.Type { return first(cases) as? Value }
    let values: [Any] = [
      "", false, 0, Int32(0), Int64(0), UInt64(0), 0.0, Float(0), Date(timeIntervalSince1970: 0), JSON.null,
    ]
    return values.first { Swift.type(of: $0) == type } as? Value
  }
  private static func first<Cases: CaseIterable>(_ type: Cases.Type) -> Any? { type.allCases.first }
}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let note: Note
  let codingPath: [any CodingKey] = []
  /// A dictionary asks for its keys: it has one.
  var allKeys: [Key] {
    note.schema = .object(["type": .string("object"), "additionalProperties": .object([:])])
    return []
  }

  init(_ note: Note) { self.note = note }

  private func ask<Value: Decodable>(_ type: Value.Type, _ key: Key, isRequired: Bool) throws -> Value {
    do {
      let (value, schema) = try Asking.value(type)
      write(schema, key, isRequired)
      return value
    } catch let unknown as Asking.Unknown {
      write(unknown.schema, key, isRequired)
      throw unknown
    }
  }
  private func write(_ schema: JSON, _ key: Key, _ isRequired: Bool) {
    note.properties[key.stringValue] = schema
    if isRequired { note.required.append(key.stringValue) }
    note.keep()
  }

  func contains(_ key: Key) -> Bool { true }
  func decodeNil(forKey key: Key) -> Bool { false }
  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try ask(type, key, isRequired: true)
  }
  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    try? ask(type, key, isRequired: false)
  }
  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try? ask(type, key, isRequired: false) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
    try? ask(type, key, isRequired: false)
  }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
    try? ask(type, key, isRequired: false)
  }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try? ask(type, key, isRequired: false) }
  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedDecodingContainer<Nested>
  {
    KeyedDecodingContainer(Keyed<Nested>(Note()))
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer { Unkeyed(Note()) }
  func superDecoder() -> any Decoder { Asking() }
  func superDecoder(forKey key: Key) -> any Decoder { Asking() }
}

private struct Unkeyed: UnkeyedDecodingContainer {
  let note: Note
  let codingPath: [any CodingKey] = []
  let count: Int? = 1
  var currentIndex = 0
  var isAtEnd: Bool { currentIndex > 0 }

  init(_ note: Note) { self.note = note }

  mutating func decodeNil() -> Bool { false }
  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    currentIndex += 1
    do {
      let (value, schema) = try Asking.value(type)
      note.schema = .object(["type": .string("array"), "items": schema])
      return value
    } catch let unknown as Asking.Unknown {
      note.schema = .object(["type": .string("array"), "items": unknown.schema])
      throw unknown
    }
  }
  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedDecodingContainer<Nested> {
    KeyedDecodingContainer(Keyed<Nested>(Note()))
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { Unkeyed(Note()) }
  mutating func superDecoder() -> any Decoder { Asking() }
}

private struct Single: SingleValueDecodingContainer {
  let note: Note
  let codingPath: [any CodingKey] = []

  init(_ note: Note) { self.note = note }

  func decodeNil() -> Bool { false }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let (value, schema) = try Asking.value(type)
    note.schema = schema
    return value
  }
}
