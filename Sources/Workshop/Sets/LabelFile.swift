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
  /// What doesn't fit between the file and the pictures, counted and named, in sentences.
  let notes: [String]
  /// By the pictures' names, as in the gallery.
  private let classes: [String: String]

  static let names = ["labels.csv", "dataset.json"]

  /// - Returns: nil when there is no such file.
  /// - Throws: `LabelFileError`, `ArchiveError`.
  init?(of gallery: Gallery) throws {
    // In an archive of one folder the file may lie in that.
    let top = gallery.isArchive ? (gallery.candidates[0].name.split(separator: "/").first.map { "\($0)/" } ?? "") : ""
    let there: [String]
    switch gallery.kind {
    case .file: return nil
    case .folder: there = (try? FileManager.default.contentsOfDirectory(atPath: gallery.path)) ?? []
    case .archive: there = try Archive(gallery.path, .zipOrTar).entries().map(\.name)
    }
    for name in Self.names {
      for folder in Set(["", top]).sorted() {
        guard let found = there.first(where: { $0.lowercased() == (folder + name).lowercased() }) else { continue }
        let bytes =
          gallery.isArchive
          ? try Archive(gallery.path, .zipOrTar).read(found)
          : FileManager.default.contents(atPath: "\(gallery.path)/\(found)").map { [UInt8]($0) }
        guard let bytes else { continue }
        try self.init(bytes, named: name, in: folder, of: gallery)
        return
      }
    }
    return nil
  }

  private init(_ bytes: [UInt8], named name: String, in folder: String, of gallery: Gallery) throws(LabelFileError) {
    (self.name, digest) = (name, Digest.sha256(bytes))
    let path = "\(gallery.path)/\(folder)\(name)"
    let there = Set(gallery.candidates.map(\.name))
    let byCase = Dictionary(there.map { ($0.lowercased(), [$0]) }, uniquingKeysWith: +)
    /// As in the gallery; nil where it isn't there.
    func found(_ picture: String) -> String? {
      let plain = picture.replacing("\\", with: "/")
      let full = folder + (plain.hasPrefix("./") ? String(plain.dropFirst(2)) : plain)
      if there.contains(full) { return full }
      let alike = byCase[full.lowercased()] ?? []
      return alike.count == 1 ? alike[0] : nil
    }
    var (pairs, broken) =
      try name.hasSuffix(".csv") ? Self.table(bytes, path) { found($0) != nil } : (Self.list(bytes, path), [])
    // A line of titles names no picture, and nothing else like one.
    if name.hasSuffix(".csv"), let first = pairs.first, found(first.picture) == nil,
      !FoundFiles.isPictureName(first.picture)
    {
      pairs.removeFirst()
    }
    var classes: [String: String] = [:]
    var (absent, otherCase, contradicted): ([String], [String], [String]) = ([], [], [])
    for (picture, className) in pairs {
      guard let own = found(picture) else {
        absent.append(picture)
        continue
      }
      if !own.hasSuffix(picture.replacing("\\", with: "/").replacing("./", with: "")) { otherCase.append(own) }
      let className = className.replacing("/", with: "-")
      if let known = classes[own] {
        if known != className, !contradicted.contains(own) { contradicted.append(own) }
      } else {
        classes[own] = className
      }
    }
    // A list without any pairs says that there are no classes.
    guard !classes.isEmpty || pairs.isEmpty else { throw .noneThere(path: path, first: pairs.first?.picture) }
    self.classes = classes
    let without = pairs.isEmpty ? [] : gallery.candidates.map(\.name).filter { classes[$0] == nil }
    func note(_ names: [String], _ one: String, _ many: String) -> [String] {
      guard !names.isEmpty else { return [] }
      let more = names.count > 3 ? " and \(grouped(names.count - 3)) more" : ""
      return ["\(names.count == 1 ? one : many): \(names.prefix(3).joined(separator: ", "))\(more)."]
    }
    let all = counted(gallery.count, "picture")
    notes =
      note(without, "\(name) gives 1 of \(all) no class", "\(name) gives \(grouped(without.count)) of \(all) no class")
      + note(
        broken.map { "line \($0)" }, "\(name) has 1 line that isn't a picture, a comma and a class",
        "\(name) has \(grouped(broken.count)) lines that aren't a picture, a comma and a class")
      + note(
        absent, "\(name) names 1 picture that isn't there",
        "\(name) names \(grouped(absent.count)) pictures that aren't there")
      + note(
        contradicted, "\(name) gives 1 picture two classes, of which the first counts",
        "\(name) gives \(grouped(contradicted.count)) pictures two classes, of which the first counts")
      + note(
        otherCase, "\(name) writes the name of 1 picture in another case",
        "\(name) writes the names of \(grouped(otherCase.count)) pictures in another case")
  }

  /// "className/picture"; without a folder where none is named.
  func name(_ picture: String) -> String {
    guard !classes.isEmpty else { return picture }
    return classes[picture].map { "\($0)/\(picture)" } ?? (picture as NSString).lastPathComponent
  }

  /// - Parameter isThere: whether a picture is; of several dividers that fit, the one that names most of them is meant.
  /// - Returns: the table's lines, and the numbers of those with no class.
  static func table(
    _ bytes: [UInt8], _ path: String, isThere: (String) -> Bool = { _ in false }
  ) throws(LabelFileError) -> (pairs: [(picture: String, className: String)], broken: [Int]) {
    guard let text = CSV.text(bytes) else { throw .unreadable(path: path, why: "it is no text") }
    var best: (rows: [CSV.Row], named: Int, whole: Int)?
    for divider in CSV.dividers {
      let rows: [CSV.Row]
      do { rows = try CSV(text, divider: divider).rows } catch {
        throw .unreadable(path: path, why: "a quote in line \(error.line) never ends")
      }
      let named = rows.count { $0.fields.count > 1 && isThere($0.fields[0]) }
      let whole = rows.count { $0.fields.count > 1 }
      if best.map({ (named, whole) > ($0.named, $0.whole) }) ?? true { best = (rows, named, whole) }
    }
    var pairs: [(picture: String, className: String)] = []
    var broken: [Int] = []
    for row in best?.rows ?? [] where !row.fields.allSatisfy(\.isEmpty) {
      if row.fields.count >= 2, !row.fields[0].isEmpty, !row.fields[1].isEmpty {
        pairs.append((row.fields[0], row.fields[1]))
      } else {
        broken.append(row.line)
      }
    }
    if let line = broken.first, pairs.isEmpty {
      throw .unreadable(path: path, why: "line \(line) isn't a picture, a comma and a class")
    }
    return (pairs, broken)
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
        throw .unreadable(path: path, why: "pair \(number + 1) isn't a picture and a class")
      }
      switch row[1] {
      case let className as String: pairs.append((picture, className))
      case let className as NSNumber: pairs.append((picture, "\(className)"))
      default: throw .unreadable(path: path, why: "pair \(number + 1) isn't a picture and a class")
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
      "\(path) can't be read, since \(why): write a picture's name, a comma and its class on each line, or take the file away."
    case .noneThere(let path, let first):
      "\(path) names none of the pictures beside it\(first.map { ", but '\($0)'" } ?? ""): names must be as in the folder; or take the file away."
    }
  }
  public var exit: Exit { .data }
}
