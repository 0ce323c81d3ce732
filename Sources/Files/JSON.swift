import Foundation

/// A value of JSON whose kind isn't known before: a line that a verb tells, a description of commands.
public enum JSON: Codable, Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case list([JSON])
  case object([String: JSON])

  /// Dates as ISO 8601, keys in order, so that the same value is the same bytes.
  public static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return encoder
  }
  public static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }

  /// nil for what isn't JSON.
  public init?(parsing data: Data) {
    guard let value = try? JSON.decoder.decode(JSON.self, from: data) else { return nil }
    self = value
  }

  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let list = try? value.decode([JSON].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .bool(let bool): try value.encode(bool)
    case .number(let number):
      // A whole number stays one: "64", never "64.0".
      if let whole = Int(exactly: number) { try value.encode(whole) } else { try value.encode(number) }
    case .string(let string): try value.encode(string)
    case .list(let list): try value.encode(list)
    case .object(let object): try value.encode(object)
    }
  }

  public subscript(_ key: String) -> JSON? {
    if case .object(let object) = self { object[key] } else { nil }
  }
  public var string: String? { if case .string(let string) = self { string } else { nil } }
  public var number: Double? { if case .number(let number) = self { number } else { nil } }
  public var integer: Int? { number.flatMap { Int(exactly: $0) } }
  public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  public var list: [JSON]? { if case .list(let list) = self { list } else { nil } }
  public var object: [String: JSON]? { if case .object(let object) = self { object } else { nil } }

  /// On one line.
  public var text: String { String(decoding: (try? JSON.encoder.encode(self)) ?? Data(), as: UTF8.self) }
}

extension FileManager {
  /// A JSON file's value; nil where it isn't there, or is something else.
  public func value<Value: Decodable>(_ type: Value.Type, at path: String) -> Value? {
    contents(atPath: path).flatMap { try? JSON.decoder.decode(type, from: $0) }
  }
}
