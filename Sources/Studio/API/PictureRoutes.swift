import Catalogue
import Files
import Foundation
import HTTPTypes
import Hummingbird

struct PicturePage: Codable, Sendable {
  let total: Int
  let offset: Int
  let pictures: [PictureView]
}

struct Marking: Codable, Sendable {
  let pictures: [String]
  let isOn: Bool
}
struct Tagging: Codable, Sendable {
  let pictures: [String]
  let tags: [String]
}
struct NewBoard: Codable, Sendable { let name: String }

/// What makes a picture again: all that was set, and nothing that wasn't.
struct Again: Codable, Sendable {
  let verb: String
  let values: [String: [String]]
}

extension Routes {
  static let pictures: [Route] = [
    .kept(
      "/api/pictures", "Pictures and films that jobs made, from the newest.",
      query: [
        .init(name: "words", note: "All must begin a word of what made the picture, or of its tags."),
        .init(name: "favourites", note: "Only these.", schema: .object(["type": .string("boolean")])),
        .init(
          name: "trash", note: "What is in the trash, in place of all others.",
          schema: .object(["type": .string("boolean")])),
        .init(name: "board", note: "A board's id."), .init(name: "run", note: "A run's id."),
        .init(name: "job", note: "A job's id."),
        .init(name: "tag", note: "A tag."),
        .init(name: "kind", note: "picture, sheet or film.", schema: Schema.one(PictureRow.Kind.self)!),
        .init(
          name: "offset", note: "Pictures to pass over.",
          schema: .object(["type": .string("integer"), "minimum": .number(0)])),
        .init(
          name: "limit", note: "500 at most.",
          schema: .object(["type": .string("integer"), "minimum": .number(1), "maximum": .number(500)])),
      ]
    ) { call in
      var query = PictureQuery()
      query.words = String((call.query("words") ?? "").prefix(300))
      (query.areFavourites, query.areTrashed) = (call.flag("favourites"), call.flag("trash"))
      (query.board, query.run, query.job, query.tag) = (
        call.query("board"), call.query("run"), call.query("job"), call.query("tag")
      )
      if let kind = call.query("kind") {
        guard let known = PictureRow.Kind(rawValue: kind) else { throw CallError.bad("kind is picture, sheet or film") }
        query.kind = known
      }
      query.offset = try call.number("offset", in: 0...1_000_000_000, default: 0)
      query.limit = try call.number("limit", in: 1...500, default: 100)
      let (pictures, total) = try call.studio.catalogue.pictures(query)
      return PicturePage(total: total, offset: query.offset, pictures: pictures)
    },
    .get("/api/pictures/{id}", "One picture, with all that made it.") { try $0.studio.catalogue.picture($0.thing()) },
    .raw(.get, "/api/pictures/{id}/file", "The file, as the command line wrote it.", type: "image/png") { call in
      let row = try call.studio.catalogue.picture(call.thing()).picture
      return try call.file(call.studio.catalogue.file(row.path), isCached: true)
    },
    .get("/api/pictures/{id}/again", "What makes the picture again, exactly.") { call in
      try await call.studio.again(call.thing())
    },
    .write("/api/pictures/favourite", "Marks pictures as favourites, or no longer.", Marking.self) { call, marking in
      try call.studio.catalogue.setFavourite(marking.isOn, call.ids(marking.pictures))
      return marking
    },
    .write("/api/pictures/trash", "Puts pictures into the trash, or back. The files stay.", Marking.self) {
      call, marking in
      try call.studio.catalogue.setTrashed(marking.isOn, call.ids(marking.pictures))
      return marking
    },
    .write("/api/pictures/tags", "Gives pictures these tags, in place of others.", Tagging.self) { call, tagging in
      try call.studio.catalogue.setTags(tagging.tags, call.ids(tagging.pictures))
      return tagging
    },
    .kept("/api/tags", "All tags.") { try $0.studio.catalogue.tags() },
    .kept("/api/boards", "The boards.") { try $0.studio.catalogue.boards() },
    .write("/api/boards", "Makes a board.", NewBoard.self) { call, board in
      try call.studio.catalogue.addBoard(board.name)
    },
    .write("/api/boards/{id}", "Takes a board away; its pictures stay.", Nothing.self, method: .delete) {
      call, nothing in
      try call.studio.catalogue.removeBoard(call.thing())
      return nothing
    },
    .write("/api/boards/{id}/pictures", "Puts pictures on a board, or takes them off.", Marking.self) { call, marking in
      try call.studio.catalogue.put(call.ids(marking.pictures), onBoard: call.thing(), isOn: marking.isOn)
      return marking
    },
  ]
}

extension Call {
  /// - Throws: `CallError`.
  func ids(_ words: [String]) throws(CallError) -> [String] {
    guard words.count <= 10_000 else { throw .bad("10,000 pictures at once are the most") }
    guard let bad = words.first(where: { !isCatalogueID($0) }) else { return words }
    throw .unknown("picture \(bad.prefix(40))")
  }
}

extension Studio {
  /// The job's form, with the seed of this picture in place of all.
  ///
  /// - Throws: `CatalogueError`, `JobError`.
  func again(_ id: String) async throws -> Again {
    let row = try catalogue.picture(id).picture
    let job = try await queue.job(row.job).job
    var values = job.form
    if let seed = row.seed, row.kind == .picture { values["seeds"] = ["\(seed)"] }
    return Again(verb: job.verb.joined(separator: "-"), values: values)
  }
}
