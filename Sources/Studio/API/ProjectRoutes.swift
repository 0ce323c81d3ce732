import Catalogue
import Files
import Foundation
import HTTPTypes
import Hummingbird

extension Routes {
  static let projects: [Route] = [
    .get("/api/projects", "Projects that were packed, from the newest.") {
      Projects.all($0.studio.configuration.workspace)
    },
    .write("/api/projects", "Packs sets, runs and pictures into one zip.", NewProject.self) { call, new in
      try await call.studio.pack(new)
    },
    .raw(.get, "/api/projects/{id}/file", "A packed project.", type: "application/zip") { call in
      let id = try call.thing(), workspace = call.studio.configuration.workspace
      guard let card = Projects.all(workspace).first(where: { $0.id == id }) else {
        throw CallError.unknown("project of that name")
      }
      return try call.download("\(Projects.folder(workspace))/\(card.name).zip", as: "\(card.name).zip")
    },
    .raw(
      .post, "/api/projects/import", "Unpacks a project beside what is there, as the zip's bytes.",
      type: "application/json", writes: .bytes
    ) { call in
      let path = try await call.studio.uploads.takeProject(call.request.body, length: call.length)
      defer { unlink(path) }
      return try Call.answer(try await call.studio.unpack(path))
    },
  ]
}

extension Call {
  /// A large file of the studio's own, in parts.
  ///
  /// - Throws: `CallError.unknown`.
  func download(_ path: String, as name: String) throws -> Response {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw CallError.unknown("such file any more") }
    let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    let size = lseek(file, 0, SEEK_END)
    lseek(file, 0, SEEK_SET)
    let body = ResponseBody(contentLength: Int(size)) { writer in
      while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty { try await writer.write(.init(data: part)) }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: [
        .contentType: "application/zip",
        .contentDisposition:
          "attachment; filename*=UTF-8''\(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "project.zip")",
      ], body: body)
  }
}
