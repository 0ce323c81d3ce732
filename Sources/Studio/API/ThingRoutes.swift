import Catalogue
import Files
import Foundation
import HTTPTypes
import Hummingbird
import Jobs

/// A picture of a set. Its file is never sent as it came: the thumbnail and the preview are copies that `inspect` wrote.
struct SetPicture: Codable, Sendable {
  let id: String
  let name: String
  let caption: String?
  let hasThumbnail: Bool
  /// Nil where all of it is used.
  let crop: Crop?
}

struct NewSet: Codable, Sendable { let name: String }
struct Taken: Codable, Sendable { let id: String; let name: String }

/// A set with what `inspect` said of it last.
struct SetReport: Codable, Sendable {
  let set: PictureSetRow
  /// The newest inspection.
  let job: String?
  /// The fields of its last line (docs/json.md).
  let report: [String: JSON]?
}

struct RunReport: Codable, Sendable {
  let run: RunRow
  let checkpoints: [CheckpointRow]
  /// Sheets of samples, by the pictures seen.
  let samples: [String]
}

extension Routes {
  static let commands: [Route] = [
    .raw(.get, "/api/openapi.json", "This document.", type: "application/json") {
      try Call.answer(OpenAPI.document($0.studio.routes))
    },
    .get("/api/commands", "The command line's verbs, with their options.") {
      try await $0.studio.description.commands().all
    },
    .get("/api/commands/{name}", "One verb.") { try await $0.studio.description.command($0.parameter("name")) },
    .get("/api/recipes", "The recipes for training.") { try await $0.studio.description.recipes() },
    .get("/api/recipes/{name}", "One recipe, with its settings and their defaults.") { call in
      let name = try call.parameter("name")
      guard name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }),
        !name.hasPrefix("-")
      else {
        throw CallError.unknown("recipe of that name")
      }
      return try await call.studio.description.recipes(name)[0]
    },
  ]

  static let sets: [Route] = [
    .kept("/api/sets", "The sets of pictures.") { try $0.studio.catalogue.sets() },
    .write("/api/sets", "Makes an empty set.", NewSet.self) { call, new in try call.studio.makeSet(new.name) },
    .get("/api/sets/{id}", "One set, with its newest report.") { try await $0.studio.report(ofSet: $0.thing()) },
    .get("/api/sets/{id}/pictures", "The pictures of a set.") { try $0.studio.pictures(ofSet: $0.thing()) },
    .raw(
      .post, "/api/sets/{id}/pictures", "Adds one file to a set, as its bytes.", type: "application/json",
      query: [.init(name: "name", note: "The file's name, with its folders.")], writes: .bytes
    ) { call in
      let set = try call.studio.catalogue.set(call.thing())
      let name = try await call.studio.uploads.take(
        call.request.body, named: call.query("name") ?? "", into: call.studio.catalogue.file(set.path),
        length: call.length)
      return try Call.answer(Taken(id: catalogueID(name), name: name))
    },
    .write("/api/sets/{id}/done", "Counts a set's pictures anew, after files were added.", Nothing.self) { call, _ in
      try call.studio.catalogue.refresh()
      return try await call.studio.report(ofSet: call.thing())
    },
    .raw(.get, "/api/sets/{id}/thumbnails/{picture}", "A small copy of a set's picture.", type: "image/png") { call in
      let set = try call.thing(), picture = try call.thing("picture")
      return try call.file("\(call.studio.catalogue.thumbnails(ofSet: set))/\(picture).png", isCached: true)
    },
    .raw(
      .get, "/api/sets/{id}/previews/{picture}", "A copy of a set's picture of 1,024 pixels at most.",
      type: "image/webp"
    ) { call in
      let set = try call.thing(), picture = try call.thing("picture")
      let path = "\(call.studio.catalogue.thumbnails(ofSet: set))/\(picture)"
      // A picture that isn't larger than its thumbnail has no other.
      return try call.file(path + (access(path + ".webp", F_OK) == 0 ? ".webp" : ".png"), isCached: true)
    },
    .raw(
      .post, "/api/uploads", "Takes one file that belongs to no set, as its bytes.", type: "application/json",
      query: [.init(name: "name", note: "The file's name.")], writes: .bytes
    ) { call in
      let id = catalogueID(UUID().uuidString)
      let name = (call.query("name") ?? "").split(separator: "/").last.map(String.init) ?? ""
      let taken = try await call.studio.uploads.take(
        call.request.body, named: name, into: "\(call.studio.configuration.workspace)/uploads/\(id)",
        length: call.length)
      return try Call.answer(Taken(id: id, name: taken))
    },
  ]

  static let things: [Route] = [
    .kept("/api/runs", "The runs, from the newest.") { try $0.studio.catalogue.runs() },
    .get("/api/runs/{id}", "One run, with its checkpoints and sheets of samples.") { call in
      let run = try call.studio.catalogue.run(call.thing())
      let files =
        (try? FileManager.default.contentsOfDirectory(atPath: call.studio.catalogue.file(run.path) + "/samples")) ?? []
      return RunReport(
        run: run, checkpoints: try call.studio.catalogue.checkpoints(of: run.id),
        samples: files.filter { $0.hasSuffix(".png") && $0.count == 16 }.map { String($0.dropLast(4)) }.sorted())
    },
    .raw(.get, "/api/runs/{id}/samples/{number}", "A sheet of a run's samples.", type: "image/png") { call in
      let run = try call.studio.catalogue.run(call.thing()), number = try call.parameter("number")
      guard number.count == 12, number.utf8.allSatisfy({ (48...57).contains($0) }) else {
        throw CallError.unknown("sheet of that number")
      }
      return try call.file("\(call.studio.catalogue.file(run.path))/samples/\(number).png", isCached: true)
    },
    .kept("/api/models", "The models here.") { try $0.studio.catalogue.models() },
    .get("/api/doctor", "What is missing, moved, half or foreign in the workspace. Nothing is changed.") { call in
      try call.studio.catalogue.refresh()
      return try call.studio.catalogue.findings()
    },
  ]
}

extension Call {
  /// An id of the catalogue that the address has.
  ///
  /// - Throws: `CallError.unknown`.
  func thing(_ name: String = "id") throws(CallError) -> String {
    let id = try parameter(name)
    guard isCatalogueID(id) else { throw .unknown("\(name == "id" ? "thing" : name) of that name") }
    return id
  }

  /// As the client announces it.
  var length: Int? { request.headers[.contentLength].flatMap { Int($0) } }

  private static let types = [
    "png": "image/png", "mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif", "webp": "image/webp",
    "apng": "image/apng",
  ]

  /// A file that the command line wrote. No link is followed at its end, and it lies in the workspace.
  ///
  /// - Throws: `CallError.unknown`.
  func file(_ path: String, isCached: Bool = false) throws -> Response {
    let workspace = URL(fileURLWithPath: studio.configuration.workspace).resolvingSymlinksInPath().path
    let folder = URL(fileURLWithPath: (path as NSString).deletingLastPathComponent).resolvingSymlinksInPath().path
    let name = (path as NSString).lastPathComponent
    guard folder.hasPrefix(workspace + "/"), let type = Call.types[(name as NSString).pathExtension.lowercased()] else {
      throw CallError.unknown("file of that kind")
    }
    let file = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw CallError.unknown("such file any more") }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= 1 << 30,
      let data = try? FileHandle(fileDescriptor: file, closeOnDealloc: false).readToEnd()
    else { throw CallError.unknown("such file any more") }
    // What its name says is what a browser is told: the first bytes have to agree.
    guard type != "image/png" || data.starts(with: [0x89, 0x50, 0x4E, 0x47]) else {
      throw CallError.unknown("picture in that file")
    }
    var headers: HTTPFields = [.contentType: type]
    if isCached { headers[.cacheControl] = "private, max-age=86400" }
    return Response(status: .ok, headers: headers, body: .init(byteBuffer: .init(data: data)))
  }
}

extension Studio {
  /// - Throws: `CatalogueError.badName`, `FileTrouble`.
  func makeSet(_ name: String) throws -> PictureSetRow {
    let word = String(name.map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" ? $0 : "-" }.prefix(60))
      .trimmingCharacters(in: ["-"])
    guard !word.isEmpty else { throw CatalogueError.badName("set") }
    for number in 1..<1000 {
      let free = number == 1 ? word : "\(word)-\(number)"
      try AtomicFile.makeFolder(configuration.workspace + "/sets")
      guard mkdir("\(configuration.workspace)/sets/\(free)", 0o755) == 0 else { continue }
      try catalogue.refresh()
      return try catalogue.set(catalogueID("sets/\(free)"))
    }
    throw CatalogueError.badName("set")
  }

  func pictures(ofSet id: String) throws -> [SetPicture] {
    let folder = catalogue.thumbnails(ofSet: id)
    let there = Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    return try catalogue.files(ofSet: id).map { name, caption, crop in
      let id = catalogueID(name)
      return SetPicture(
        id: id, name: name, caption: caption, hasThumbnail: there.contains(id + ".png"),
        crop: crop.flatMap { Crop(text: $0) })
    }
  }

  func report(ofSet id: String) async throws -> SetReport {
    let set = try catalogue.set(id)
    let job = await queue.jobs.last { $0.job.verb == ["inspect"] && $0.job.form["pictures"] == ["set:\(id)"] }
    return SetReport(set: set, job: job?.id, report: job?.story.result)
  }
}
