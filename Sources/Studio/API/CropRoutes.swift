import Catalogue
import Files
import Foundation
import Hummingbird

/// Which part of an upright picture is used, in parts of its sides.
struct Crop: Codable, Sendable, Equatable {
  let left: Double, top: Double, width: Double, height: Double

  var isInside: Bool {
    let slack = 1e-6
    return [left, top, width, height].allSatisfy(\.isFinite) && left >= 0 && top >= 0 && width > 0 && height > 0
      && left + width <= 1 + slack && top + height <= 1 + slack
  }

  /// As it is in the file: four numbers.
  var text: String { [left, top, width, height].map { String(format: "%.5f", $0) }.joined(separator: " ") + "\n" }

  init?(text: String) {
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard numbers.count == 4 else { return nil }
    (left, top, width, height) = (numbers[0], numbers[1], numbers[2], numbers[3])
    guard isInside else { return nil }
  }
}

struct Cropping: Codable, Sendable {
  let picture: String
  /// Left out for all of it.
  let crop: Crop?
}

extension Routes {
  static let crops: [Route] = [
    .write("/api/sets/{id}/crops", "Says which part of a picture is used, in a file beside it.", Cropping.self) {
      call, new in
      try call.studio.write(new, ofSet: call.thing())
    }
  ]
}

extension Studio {
  /// - Throws: `CatalogueError`, `CallError`, `FileTrouble`.
  func write(_ new: Cropping, ofSet id: String) throws -> SetPicture {
    let set = try catalogue.set(id)
    guard let name = try catalogue.files(ofSet: id).first(where: { catalogueID($0.name) == new.picture })?.name else {
      throw CallError.unknown("picture of that name")
    }
    let path = catalogue.file("\(set.path)/\(name).crop")
    if let crop = new.crop {
      guard crop.isInside else {
        throw CallError.bad("A crop is a rectangle inside the picture, in parts of its sides from 0 to 1")
      }
      try AtomicFile.write(Data(crop.text.utf8), to: path)
    } else {
      guard unlink(path) == 0 || errno == ENOENT else { throw FileTrouble.last(path) }
    }
    guard let picture = try pictures(ofSet: id).first(where: { $0.id == new.picture }) else {
      throw CallError.unknown("picture of that name")
    }
    return picture
  }
}
