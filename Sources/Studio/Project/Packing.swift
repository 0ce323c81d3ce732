import Catalogue
import Files
import Foundation
import Jobs

extension Studio {
  /// Packs a project into one zip, in `projects` of the workspace.
  ///
  /// - Throws: `ProjectTrouble`, `CatalogueError`, `FileTrouble`.
  func pack(_ new: NewProject) async throws -> ProjectCard {
    let workspace = configuration.workspace
    let sets = try new.sets.map { try $0.map { try catalogue.set($0) } } ?? catalogue.sets()
    let runs = try new.runs.map { try $0.map { try catalogue.run($0) } } ?? catalogue.runs()
    let pictures = try self.pictures(new.pictures ?? .all, runs: Set(runs.map(\.id)), areAllRuns: new.runs == nil)
    let jobs = await queue.jobs.filter { view in pictures[view.id] != nil && view.state.hasEnded }
    let timelines = new.sets == nil && new.runs == nil ? Timelines.all(workspace) : []
    guard !sets.isEmpty || !runs.isEmpty || !jobs.isEmpty else { throw ProjectTrouble.empty }

    let paths = Set(jobs.flatMap { pictures[$0.id] ?? [] })
    var marks = Marks()
    marks.pictures = catalogue.allMarks.pictures.filter { paths.contains($0.path) }
    marks.boards = catalogue.allMarks.boards.filter { board in marks.pictures.contains { $0.boards.contains(board) } }
    let note = ProjectNote(
      name: new.name, made: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)),
      workspace: workspace, sets: sets.map(\.name), runs: runs.map(\.name),
      times: Dictionary(uniqueKeysWithValues: sets.map { ($0.name, $0.made) }),
      jobs: jobs.map { .init(id: $0.id, verb: $0.job.verb, form: $0.job.form, made: $0.job.made) }, marks: marks)
    var files = catalogue.files(under: sets.map(\.path) + runs.map(\.path)).filter(Projects.isKind)
    files += paths.sorted()
    files += timelines.flatMap { ["timelines/\($0.name).yaml", "timelines/\($0.name).json"] }.filter {
      Foundation.access("\(workspace)/\($0)", F_OK) == 0
    }
    let size = files.reduce(UInt64(0)) { $0 + catalogue.size($1) }
    guard size <= Projects.limit else { throw ProjectTrouble.tooLarge }
    let folder = Projects.folder(workspace)
    try AtomicFile.makeFolder(folder)
    guard size + 64 << 20 < Projects.freeBytes(folder) else { throw ProjectTrouble.noRoom(needed: size) }
    let name = Projects.free(new.name, ending: ".zip", in: folder), path = "\(folder)/\(name).zip"
    // Away from the threads that answer pages: it may take minutes.
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      Thread.detachNewThread { [files] in
        done.resume(
          with: Result {
            let zip = try ZipWriter(path)
            do {
              try zip.add("project.json", JSON.encoder.encode(note))
              for file in files { try zip.add(file, file: "\(workspace)/\(file)") }
              try zip.finish()
            } catch {
              unlink(path + ".part")
              throw error
            }
          })
      }
    }
    guard let card = Projects.all(workspace).first(where: { $0.name == name }) else { throw ProjectTrouble.empty }
    return card
  }

  /// Paths of pictures by their jobs.
  private func pictures(_ extent: NewProject.Extent, runs: Set<String>, areAllRuns: Bool) throws -> [String: [String]] {
    guard extent != .none else { return [:] }
    var query = PictureQuery(), paths: [String: [String]] = [:]
    (query.limit, query.areFavourites) = (500, extent == .favourites)
    while true {
      let page = try catalogue.pictures(query)
      for view in page.pictures where areAllRuns || view.isFavourite || view.picture.run.map(runs.contains) == true {
        paths[view.picture.job, default: []].append(view.picture.path)
      }
      query.offset += page.pictures.count
      if page.pictures.isEmpty || query.offset >= page.total { return paths }
    }
  }
}
