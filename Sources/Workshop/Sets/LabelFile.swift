import Archives
import Foundation
import Media
import Torch

/// Classes of pictures that a file beside them names: `labels.csv` (a picture, a class a line) or StyleGAN's `dataset.json`
/// ("labels": [["00000/img.png", 3], …]).
///
/// Pictures are then packed as if they lay in folders of these names.
struct LabelFile: Sendable {
  let name: String
  let digest: String
  /// By the pictures' names, as in the gallery.
  private let classes: [String: String]

  static let names = ["labels.csv", "dataset.json"]

  /// - Returns: nil when there is no such file.
  /// - Throws: `LabelFileError`, `ArchiveError`.
  init?(of gallery: Gallery) throws {
    for name in Self.names {
      // In an archive of one folder the file may lie in that.
      let places =
        gallery.isArchive
        ? [name, (gallery.candidates[0].name.split(separator: "/").first ?? "") + "/" + name] : [name]
      for place in places {
        let found =
          gallery.isArchive
          ? try Archive(gallery.path).read(place)
          : FileManager.default.contents(atPath: "\(gallery.path)/\(place)").map { [UInt8]($0) }
        guard let bytes = found else { continue }
        try self.init(bytes, named: name, in: String(place.dropLast(name.count)), of: gallery)
        return
      }
    }
    return nil
  }

  private init(_ bytes: [UInt8], named name: String, in folder: String, of gallery: Gallery) throws(LabelFileError) {
    (self.name, digest) = (name, Digest.sha256(bytes))
    let path = "\(gallery.path)/\(folder)\(name)"
    let pairs = try name.hasSuffix(".csv") ? Self.table(bytes, path) : Self.list(bytes, path)
    let there = Set(gallery.candidates.map(\.name))
    var classes: [String: String] = [:]
    for (picture, className) in pairs {
      let picture = folder + (picture.hasPrefix("./") ? String(picture.dropFirst(2)) : picture)
      if there.contains(picture) { classes[picture] = className.replacing("/", with: "-") }
    }
    // A list without any pairs says that there are no classes.
    guard !classes.isEmpty || pairs.isEmpty else { throw .noneThere(path: path, first: pairs.first?.picture) }
    self.classes = classes
  }

  /// "className/picture"; without a folder where none is named.
  func name(_ picture: String) -> String {
    guard !classes.isEmpty else { return picture }
    return classes[picture].map { "\($0)/\(picture)" } ?? (picture as NSString).lastPathComponent
  }

  /// - Returns: the table's lines but for one of titles, whose picture isn't there anyway.
  static func table(_ bytes: [UInt8], _ path: String) throws(LabelFileError) -> [(
    picture: String, className: String
  )] {
    // Spreadsheets begin with a mark of the byte order.
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .unreadable(path: path, why: "it is no text in UTF-8")
    }
    var pairs: [(picture: String, className: String)] = []
    let lines = text.replacing("\u{FEFF}", with: "").split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
      let fields = fields(of: line)
      guard fields.count >= 2, !fields[0].isEmpty, !fields[1].isEmpty else {
        throw .unreadable(path: path, why: "line \(number + 1) isn't a picture, a comma and a kind")
      }
      pairs.append((fields[0], fields[1]))
    }
    return pairs
  }

  /// Between commas, semicolons or tabs, which may stand in quotes.
  private static func fields(of line: Substring) -> [String] {
    let divider = ["\t", ";", ","].first { line.contains($0) } ?? ","
    var fields = [""], isQuoted = false
    for letter in line {
      if letter == "\"" {
        isQuoted.toggle()
      } else if String(letter) == divider && !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(letter)
      }
    }
    return fields.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func list(_ bytes: [UInt8], _ path: String) throws(LabelFileError) -> [(
    picture: String, className: String
  )] {
    guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
      throw .unreadable(path: path, why: "it is no JSON object")
    }
    // StyleGAN writes null where there are no classes.
    guard let labels = object["labels"], !(labels is NSNull) else { return [] }
    guard let rows = labels as? [[Any]] else { throw .unreadable(path: path, why: "\"labels\" is no list of pairs") }
    var pairs: [(picture: String, className: String)] = []
    for (number, row) in rows.enumerated() {
      guard row.count == 2, let picture = row[0] as? String else {
        throw .unreadable(path: path, why: "pair \(number + 1) isn't a picture and a kind")
      }
      switch row[1] {
      case let className as String: pairs.append((picture, className))
      case let className as NSNumber: pairs.append((picture, "\(className)"))
      default: throw .unreadable(path: path, why: "pair \(number + 1) isn't a picture and a kind")
      }
    }
    return pairs
  }
}

/// Why a file of classes can't be used.
public enum LabelFileError: Explained, Equatable {
  case unreadable(path: String, why: String)
  /// It names other pictures.
  case noneThere(path: String, first: String?)

  public var sentence: String {
    switch self {
    case .unreadable(let path, let why):
      "\(path) can't be read, since \(why): write a picture's name, a comma and its className on each line, or take the file away."
    case .noneThere(let path, let first):
      "\(path) names none of the pictures beside it\(first.map { ", but '\($0)'" } ?? ""): names must be as in the folder; or take the file away."
    }
  }
  public var exit: Exit { .data }
}
