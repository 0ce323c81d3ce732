import Foundation

/// A table of text with fields between commas, semicolons or tabs (RFC 4180): a field in quotes may hold these, line ends, and
/// quotes written twice.
struct CSV {
  struct Row: Equatable {
    /// Of its first letter, from 1.
    let line: Int
    let fields: [String]
  }
  let rows: [Row]

  static let dividers: [Unicode.Scalar] = [",", ";", "\t"]

  /// - Returns: nil for what is no text: UTF-8, UTF-16 with its mark, or else Latin-1.
  static func text(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      return String(data: Data(bytes), encoding: .utf16).map { $0.replacing("\u{FEFF}", with: "") }
    }
    guard !bytes.contains(0) else { return nil }
    // Spreadsheets begin with a mark of the byte order.
    let text =
      String(validating: bytes, as: UTF8.self) ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    return text.replacing("\u{FEFF}", with: "")
  }

  /// - Throws: `Unclosed`, where a quote never ends.
  init(_ text: String, divider: Unicode.Scalar) throws(Unclosed) {
    var rows: [Row] = []
    var fields: [String] = [], field = String.UnicodeScalarView()
    var (line, start, wasQuoted) = (1, 1, false)
    var quoteLine: Int?
    func trimmed(_ field: String.UnicodeScalarView) -> String {
      String(field).trimmingCharacters(in: .whitespaces)
    }
    func endField() {
      // Spaces inside quotes are the field's own.
      fields.append(wasQuoted ? String(field) : trimmed(field))
      (field, wasQuoted) = (String.UnicodeScalarView(), false)
    }
    func endRow() {
      endField()
      if fields != [""] { rows.append(Row(line: start, fields: fields)) }
      fields = []
    }
    let scalars = Array(text.unicodeScalars)
    var i = 0
    while i < scalars.count {
      let scalar = scalars[i]
      if quoteLine != nil {
        if scalar == "\"" {
          if i + 1 < scalars.count, scalars[i + 1] == "\"" {
            field.append(scalar)
            i += 1
          } else {
            quoteLine = nil
          }
        } else {
          if scalar == "\n" { line += 1 }
          field.append(scalar)
        }
      } else if scalar == "\"", trimmed(field).isEmpty, !wasQuoted {
        (field, wasQuoted, quoteLine) = (String.UnicodeScalarView(), true, line)
      } else if scalar == divider {
        endField()
      } else if scalar == "\n" || scalar == "\r" {
        endRow()
        if scalar == "\r", i + 1 < scalars.count, scalars[i + 1] == "\n" { i += 1 }
        line += 1
        start = line
      } else if !(wasQuoted && scalar.properties.isWhitespace) {
        field.append(scalar)
      }
      i += 1
    }
    if let quoteLine { throw Unclosed(line: quoteLine) }
    endRow()
    self.rows = rows
  }

  struct Unclosed: Error { let line: Int }
}
