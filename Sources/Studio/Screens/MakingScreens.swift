import Catalogue
import Files
import Foundation

/// Pages beside the forms: restyle with a painted mask, films from favourites.
extension Screens {
  /// Favourites, then the newest, without films and sheets.
  static func restyle(_ call: Call) throws -> String {
    let catalogue = call.studio.catalogue
    var query = PictureQuery()
    (query.areFavourites, query.kind, query.limit) = (true, .picture, 40)
    let favourites = try catalogue.pictures(query).pictures.map(\.picture)
    (query.areFavourites, query.limit) = (false, 40)
    let newest = try catalogue.pictures(query).pictures.map(\.picture).filter { new in
      !favourites.contains { $0.id == new.id }
    }
    let pictures = (favourites + newest).map { ["id": $0.id, "name": ($0.path as NSString).lastPathComponent] }
    return try call.studio.pages.page("restyle", "restyle", ["pictures": pictures], call)
  }

  static func film(_ call: Call) async throws -> String {
    var query = PictureQuery()
    (query.areFavourites, query.kind, query.limit) = (true, .picture, 200)
    var favourites: [[String: Any]] = []
    for view in try call.studio.catalogue.pictures(query).pictures {
      // What a form calls the generator, so that its seeds are offered for no other.
      guard let seed = view.picture.seed, view.picture.verb == "generate",
        let run = try? await call.studio.queue.job(view.picture.job).job.form["run"]?.first
      else { continue }
      favourites.append(["id": view.picture.id, "seed": seed, "run": run])
    }
    let recordings = Timelines.all(call.studio.configuration.workspace).prefix(8).compactMap { card in
      card.run.map { ["id": card.id, "name": card.name, "generator": card.generator ?? "", "run": $0] }
    }
    let run = call.query("run")
    return try call.studio.pages.page(
      "film", "film",
      [
        "generators": try await generators(call, run), "favourites": favourites, "recordings": Array(recordings),
        "hasRecordings": !recordings.isEmpty,
      ], call)
  }
}
