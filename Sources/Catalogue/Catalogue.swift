import Files
import Foundation
import GRDB
import Synchronization

/// What is in a workspace, to be searched: SQLite beside the files that it was read from.
///
/// The files are the truth. `refresh` makes the rows follow them, from nothing where the database was deleted. What only an
/// artist knows is in `Marks`, written before the rows.
public final class Catalogue: Sendable {
  public let workspace: String
  let bundled: String?
  let database: DatabasePool
  private let marks: Mutex<Marks>
  let answers = Mutex(Answers())

  /// - Parameters:
  ///   - bundled: the folder of models that came with Atelier.
  /// - Throws: `FileTrouble`, `CatalogueError`, GRDB's errors. A database that is damaged is set aside and made anew.
  public init(workspace: String, bundled: String? = nil) throws {
    (self.workspace, self.bundled) = (workspace, bundled)
    try AtomicFile.makeFolder(workspace + "/studio", mode: 0o700)
    marks = Mutex(try Marks(workspace: workspace))
    let path = workspace + "/studio/catalogue.sqlite"
    do { database = try Catalogue.opened(path) } catch let error as DatabaseError
      where [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode)
    {
      for ending in ["", "-wal", "-shm"] {
        rename(path + ending, "\(path).damaged-\(Int(Date().timeIntervalSince1970))\(ending)")
      }
      database = try Catalogue.opened(path)
    }
  }

  private static func opened(_ path: String) throws -> DatabasePool {
    // A pool writes ahead (WAL), and has foreign keys on.
    let database = try DatabasePool(path: path)
    try migrator.migrate(database)
    // A copy that was taken while it was written opens, and has pages of two times: it is made anew from the files.
    guard try database.read({ try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }) == "ok" else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT)
    }
    return database
  }

  /// Makes the rows follow the files.
  ///
  /// - Parameter isForgetful: reads every file again, as where the database was deleted.
  /// - Throws: GRDB's errors.
  public func refresh(isForgetful: Bool = false) throws {
    let known = isForgetful ? [] : try database.read { try PictureRow.fetchAll($0) }
    let scan = Scan(workspace: workspace, bundled: bundled, known: known)
    let marks = marks.withLock { $0 }
    defer { answers.withLock { $0.forget() } }
    try database.write { db in
      // Rows that point at one another come in any order: foreign keys are looked at in the end.
      _ = try follow(scan.sets, db)
      _ = try follow(scan.runs, db)
      _ = try follow(scan.checkpoints, db)
      _ = try follow(scan.models, db)
      let changed = try follow(scan.pictures, db)
      try put(marks, db)
      try db.execute(sql: "DELETE FROM search WHERE rowid NOT IN (SELECT rowid FROM pictures)")
      let tagged = try String.fetchAll(db, sql: "SELECT DISTINCT picture FROM tags")
      for id in Set(changed + tagged) { try index(id, db) }
    }
  }

  /// Adds what a job has made since.
  ///
  /// - Throws: GRDB's errors.
  public func refresh(job: String, verb: String) throws {
    let known = try database.read { try PictureRow.filter(Column("job") == job).fetchAll($0) }
    let scan = Scan(workspace: workspace, runs: try runs(), known: known)
    let rows = scan.files(under: "jobs/\(job)/made").compactMap { scan.picture($0, job: job, verb: verb) }
    let new = rows.filter { row in !known.contains(row) }
    guard !new.isEmpty else { return }
    defer { answers.withLock { $0.forget() } }
    try database.write { db in
      for row in new {
        try row.upsert(db)
        try index(row.id, db)
      }
    }
  }

  /// Follows a run alone, which costs as little with 50,000 pictures as with none: how far it is, and its checkpoints.
  ///
  /// - Parameter folder: the run's, wherever that is; one that isn't in the workspace is passed over.
  /// - Throws: GRDB's errors.
  public func refresh(run folder: String) throws {
    let name = (folder as NSString).lastPathComponent
    guard folder == "\(workspace)/runs/\(name)" else { return }
    let sets: [PictureSetRow] = try all(orderedBy: "path")
    let known = try checkpoints(of: catalogueID("runs/\(name)"))
    let scan = Scan(workspace: workspace, sets: sets, run: name, known: known)
    guard let run = scan.runs.first else { return }
    defer { answers.withLock { $0.forget() } }
    try database.write { db in
      try run.upsert(db)
      _ = try follow(scan.checkpoints, among: CheckpointRow.filter(Column("run") == run.id), db)
    }
  }

  /// Deletes the rows of files that are gone, and writes those that differ.
  ///
  /// - Parameter all: the rows that there may be.
  /// - Returns: the ids of those that were written.
  private func follow<R: Row>(_ rows: [R], among all: QueryInterfaceRequest<R> = R.all(), _ db: Database) throws
    -> [String]
  {
    let ids = Set(rows.map(\.id))
    let known = Dictionary(uniqueKeysWithValues: try all.fetchAll(db).map { ($0.id, $0) })
    for id in known.keys where !ids.contains(id) { _ = try R.deleteOne(db, key: id) }
    let changed = rows.filter { known[$0.id] != $0 }
    for row in changed { try row.upsert(db) }
    return changed.map(\.id)
  }

  // MARK: Marks

  /// Changes what is marked of some pictures: the file first, then the rows.
  ///
  /// - Throws: `CatalogueError.unknown`, `FileTrouble`, GRDB's errors.
  func mark(_ ids: [String], _ change: (inout Marks.Picture) -> Void) throws {
    let rows = try database.read { try PictureRow.fetchAll($0, keys: ids) }
    if let missing = ids.first(where: { id in !rows.contains { $0.id == id } }) {
      throw CatalogueError.unknown("picture", id: missing)
    }
    try edit(ids) { marks in
      for row in rows {
        let place = marks.pictures.firstIndex { $0.path == row.path }
        var picture = place.map { marks.pictures[$0] } ?? Marks.Picture(path: row.path, content: row.content)
        change(&picture)
        if let place { marks.pictures.remove(at: place) }
        if !picture.isEmpty { marks.pictures.append(picture) }
      }
    }
  }

  /// - Parameter ids: of the pictures whose tags may differ afterwards.
  func edit(_ ids: [String] = [], _ change: (inout Marks) throws -> Void) throws {
    try marks.withLock { marks in
      var changed = marks
      try change(&changed)
      changed.pictures.sort { $0.path < $1.path }
      try changed.write(workspace: workspace)
      marks = changed
      defer { answers.withLock { $0.forget() } }
      try database.write { db in
        try put(changed, db)
        for id in ids { try index(id, db) }
      }
    }
  }

  /// Counts the changes of what queries answer.
  public var version: Int { answers.withLock(\.version) }

  public var allMarks: Marks { marks.withLock { $0 } }

  /// Adds marks of pictures that have none here, and boards.
  ///
  /// - Throws: `FileTrouble`, GRDB's errors.
  public func add(_ others: Marks) throws {
    try edit { marks in
      let known = Set(marks.pictures.map(\.path))
      marks.pictures += others.pictures.filter { !known.contains($0.path) }
      marks.boards = Set(marks.boards + others.boards).sorted()
    }
    try refresh()
  }

  /// Makes the marks' rows anew: there are few of them.
  private func put(_ marks: Marks, _ db: Database) throws {
    for table in ["favourites", "trash", "boardPictures", "boards", "tags"] {
      try db.execute(sql: "DELETE FROM \(table)")
    }
    for name in marks.boards {
      try db.execute(sql: "INSERT INTO boards VALUES (?, ?)", arguments: [catalogueID("board/\(name)"), name])
    }
    for mark in marks.pictures {
      guard let id = try place(of: mark, db) else { continue }
      if let time = mark.favourite {
        try db.execute(sql: "INSERT OR IGNORE INTO favourites VALUES (?, ?)", arguments: [id, time])
      }
      if let time = mark.trashed {
        try db.execute(sql: "INSERT OR IGNORE INTO trash VALUES (?, ?)", arguments: [id, time])
      }
      for tag in mark.tags { try db.execute(sql: "INSERT OR IGNORE INTO tags VALUES (?, ?)", arguments: [id, tag]) }
      for board in mark.boards where marks.boards.contains(board) {
        try db.execute(
          sql: "INSERT OR IGNORE INTO boardPictures VALUES (?, ?)", arguments: [catalogueID("board/\(board)"), id])
      }
    }
  }

  /// The picture that a mark means: at its path, or where its content was moved to.
  func place(of mark: Marks.Picture, _ db: Database) throws -> String? {
    try String.fetchOne(db, sql: "SELECT id FROM pictures WHERE path = ?", arguments: [mark.path])
      ?? String.fetchOne(
        db, sql: "SELECT id FROM pictures WHERE content = ? ORDER BY path LIMIT 1", arguments: [mark.content])
  }

  // MARK: Search

  /// Indexes a picture by all that made it. A row of the index has the number of the picture's row.
  private func index(_ id: String, _ db: Database) throws {
    guard let row = try PictureRow.fetchOne(db, key: id),
      let number = try Int64.fetchOne(db, sql: "SELECT rowid FROM pictures WHERE id = ?", arguments: [id])
    else { return }
    let tags = try String.fetchAll(db, sql: "SELECT tag FROM tags WHERE picture = ? ORDER BY tag", arguments: [id])
    let said = JSON(parsing: Data(row.words.utf8))?.object?.values.compactMap(\.string).sorted() ?? []
    let words = [(row.path as NSString).lastPathComponent, row.verb, row.seed.map { "\($0)" } ?? ""] + said + tags
    try db.execute(sql: "DELETE FROM search WHERE rowid = ?", arguments: [number])
    try db.execute(
      sql: "INSERT INTO search (rowid, words) VALUES (?, ?)", arguments: [number, words.joined(separator: " ")])
  }
}
