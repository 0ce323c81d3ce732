import Catalogue
import Files
import Foundation
import Hummingbird

struct Captioning: Codable, Sendable {
  let picture: String
  /// Empty for none.
  let caption: String
}

struct Aside: Codable, Sendable {
  /// Ids; left out, with `isOn` false, for all that is aside.
  let pictures: [String]?
  let isOn: Bool
}

struct Classing: Codable, Sendable {
  /// Ids.
  let pictures: [String]
  /// Empty for none.
  let kind: String

  enum CodingKeys: String, CodingKey, CaseIterable {
    case pictures
    case kind = "class"
  }
}

struct ClassAnswer: Codable, Sendable, Equatable {
  /// Names as they are now.
  let moved: [String]
}

struct AsideAnswer: Codable, Sendable, Equatable {
  /// Names that were moved.
  let moved: [String]
  /// Pictures that lie aside now.
  let aside: Int
}

extension Routes {
  /// Mends of a set, and what is edited in place. They move copies about, within the workspace; what was dropped stays where it was.
  static let mends: [Route] = [
    .write("/api/sets/{id}/captions", "Writes a picture's caption, as a text file beside it.", Captioning.self) {
      call, new in
      try call.studio.write(new, ofSet: call.thing())
    },
    .write(
      "/api/sets/{id}/classes", "Gives pictures a class: moves them, with their captions, into its folder.",
      Classing.self
    ) { call, new in
      try call.studio.write(new, ofSet: call.thing())
    },
    .write("/api/sets/{id}/aside", "Sets pictures aside, with their captions, or puts them back.", Aside.self) {
      call, aside in
      try call.studio.move(aside, ofSet: call.thing())
    },
  ]
}

extension Studio {
  /// - Throws: `CatalogueError`, `CallError`, `FileTrouble`.
  func write(_ new: Captioning, ofSet id: String) throws -> SetPicture {
    guard new.caption.utf8.count <= 8000, !new.caption.contains("\0") else {
      throw CallError.bad("A caption has 8,000 bytes at most")
    }
    let set = try catalogue.set(id)
    guard let name = try catalogue.files(ofSet: id).first(where: { catalogueID($0.name) == new.picture })?.name else {
      throw CallError.unknown("picture of that name")
    }
    let caption = new.caption.trimmingCharacters(in: .whitespacesAndNewlines)
    let path = catalogue.file("\(set.path)/\((name as NSString).deletingPathExtension).txt")
    if caption.isEmpty {
      guard unlink(path) == 0 || errno == ENOENT else { throw FileTrouble.last(path) }
    } else {
      try AtomicFile.write(Data((caption + "\n").utf8), to: path)
    }
    try catalogue.refresh()
    guard let picture = try pictures(ofSet: id).first(where: { $0.id == new.picture }) else {
      throw CallError.unknown("picture of that name")
    }
    return picture
  }

  /// Where a set's pictures lie that are set aside.
  private func aside(_ set: PictureSetRow) -> String { "\(configuration.workspace)/aside/\(set.name)" }

  /// Names of pictures that lie aside.
  func setAside(_ set: PictureSetRow) -> [String] {
    catalogue.files(under: ["aside/\(set.name)"]).map { String($0.dropFirst("aside/\(set.name)/".count)) }
      .filter { !$0.hasSuffix(".txt") && !$0.hasSuffix(".crop") }
  }

  /// - Throws: `CatalogueError`, `CallError`, `FileTrouble`.
  func move(_ wanted: Aside, ofSet id: String) throws -> AsideAnswer {
    let set = try catalogue.set(id)
    let here = catalogue.file(set.path), there = aside(set)
    let all = wanted.isOn ? try catalogue.files(ofSet: id).map(\.name) : setAside(set)
    let ids = wanted.pictures.map { Set($0) }
    guard ids != nil || !wanted.isOn else { throw CallError.bad("Name the pictures that are to be set aside") }
    let names = all.filter { ids?.contains(catalogueID($0)) ?? true }
    if let ids, names.count < ids.count { throw CallError.unknown("picture of one of those names") }
    let (from, to) = wanted.isOn ? (here, there) : (there, here)
    var moved: [String] = []
    for name in names {
      if try carry(name, from: from, to: to, as: name) { moved.append(name) }
    }
    try catalogue.refresh()
    return AsideAnswer(moved: moved, aside: setAside(set).count)
  }

  /// Moves a picture with its caption and its crop. Nothing of that name is ever written over.
  ///
  /// - Returns: false where there is one of that name.
  /// - Throws: `FileTrouble`.
  private func carry(_ name: String, from: String, to: String, as new: String) throws -> Bool {
    try AtomicFile.makeFolder(("\(to)/\(new)" as NSString).deletingLastPathComponent)
    // A link, then the end of the old name.
    guard link("\(from)/\(name)", "\(to)/\(new)") == 0 else {
      if errno == EEXIST { return false }
      throw FileTrouble.last("\(to)/\(new)")
    }
    unlink("\(from)/\(name)")
    let (old, stem) = ((name as NSString).deletingPathExtension, (new as NSString).deletingPathExtension)
    for (old, new) in [("\(old).txt", "\(stem).txt"), ("\(name).crop", "\(new).crop")] {
      if link("\(from)/\(old)", "\(to)/\(new)") == 0 { unlink("\(from)/\(old)") }
    }
    return true
  }

  /// - Throws: `CatalogueError`, `CallError`, `FileTrouble`.
  func write(_ new: Classing, ofSet id: String) throws -> ClassAnswer {
    let set = try catalogue.set(id)
    let folder = catalogue.file(set.path)
    let kind = new.kind.trimmingCharacters(in: .whitespaces)
    guard kind.utf8.count <= 100, !kind.hasPrefix("."),
      !kind.unicodeScalars.contains(where: { $0 == "/" || $0 == "\\" || $0.value < 32 || $0.value == 127 })
    else { throw CallError.bad("A class has a name of 100 bytes at most, without slashes or a dot at its beginning") }
    guard
      !["labels.csv", "dataset.json"].contains(where: { FileManager.default.fileExists(atPath: "\(folder)/\($0)") })
    else {
      throw CallError.bad("The classes of this set are in its labels.csv or dataset.json: change them there")
    }
    let ids = Set(new.pictures)
    let names = try catalogue.files(ofSet: id).map(\.name).filter { ids.contains(catalogueID($0)) }
    guard names.count == ids.count else { throw CallError.unknown("picture of one of those names") }
    var moved: [String] = []
    for name in names {
      let last = (name as NSString).lastPathComponent
      let wanted = kind.isEmpty ? last : "\(kind)/\(last)"
      guard wanted != name else { continue }
      guard try carry(name, from: folder, to: folder, as: wanted) else {
        throw CallError.bad("There is another picture \(last) of that class: give one of them another name")
      }
      // It looks as before.
      let thumbnails = catalogue.thumbnails(ofSet: id)
      for ending in ["png", "webp"] {
        rename("\(thumbnails)/\(catalogueID(name)).\(ending)", "\(thumbnails)/\(catalogueID(wanted)).\(ending)")
      }
      moved.append(wanted)
    }
    try catalogue.refresh()
    return ClassAnswer(moved: moved)
  }
}
