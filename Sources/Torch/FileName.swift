import Foundation

extension String {
  /// A file's name as it can be read, whatever its bytes: UTF-8, or else Latin-1; what would move a terminal's cursor as \x1B.
  public init(fileName bytes: some Collection<UInt8>) {
    let text =
      String(validating: bytes, as: UTF8.self) ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      self = text
      return
    }
    self = text.unicodeScalars.reduce(into: "") { name, scalar in
      if scalar.properties.generalCategory == .control {
        name += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true)
      } else {
        name.unicodeScalars.append(scalar)
      }
    }
  }
}

/// Where a file is, by its bytes: names needn't be text.
public struct FilePath: Hashable, Sendable {
  public let bytes: [UInt8]

  public init(bytes: [UInt8]) { self.bytes = bytes }
  public init(_ path: String) { bytes = Array(path.utf8) }

  public func appending(_ name: [UInt8]) -> FilePath { FilePath(bytes: bytes + [0x2F] + name) }

  /// As it can be read.
  public var shown: String { String(fileName: bytes) }

  /// As the system's calls take it.
  public func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
