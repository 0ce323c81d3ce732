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

struct AsideAnswer: Codable, Sendable, Equatable {
  /// Names that were moved.
  let moved: [String]
  /// Pictures that lie aside now.
  let aside: Int
}

extension Routes {
  /// One-click mends of a set. They move copies about, within the workspace; what was dropped stays where it was.
  static let mends: [Route] = [
    .write("/api/sets/{id}/captions", "Writes a picture's caption, as a text file beside it.", Captioning.self) {
      call, new in
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
      .filter { !$0.hasSuffix(".txt") }
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
      let stem = (name as NSString).deletingPathExtension
      try AtomicFile.makeFolder(("\(to)/\(name)" as NSString).deletingLastPathComponent)
      // A link, then the end of the old name: nothing of that name is ever written over.
      guard link("\(from)/\(name)", "\(to)/\(name)") == 0 else {
        if errno == EEXIST { continue }
        throw FileTrouble.last("\(to)/\(name)")
      }
      unlink("\(from)/\(name)")
      if link("\(from)/\(stem).txt", "\(to)/\(stem).txt") == 0 { unlink("\(from)/\(stem).txt") }
      moved.append(name)
    }
    try catalogue.refresh()
    return AsideAnswer(moved: moved, aside: setAside(set).count)
  }
}
