import Foundation
import GRDB

/// Which pictures are wanted.
public struct PictureQuery: Sendable, Hashable {
  /// Words that all must begin a word of what made the picture; empty for all.
  public var words = ""
  public var areFavourites = false
  /// Ids.
  public var board: String?
  public var run: String?
  public var job: String?
  public var kind: PictureRow.Kind?
  public var tag: String?
  /// In the trash, in place of all others.
  public var areTrashed = false
  public var offset = 0
  /// 500 at most.
  public var limit = 100

  public init() {}
}

/// A picture with its marks.
public struct PictureView: Codable, Sendable, Equatable {
  public let picture: PictureRow
  public let isFavourite: Bool
  public let isTrashed: Bool
  public let tags: [String]
  /// Ids of boards.
  public let boards: [String]
}

public struct BoardView: Codable, Sendable, Equatable {
  public let id: String
  public let name: String
  public let pictures: Int
}

extension Catalogue {
  public func sets() throws -> [PictureSetRow] { try all(orderedBy: "name") }
  public func runs() throws -> [RunRow] { try all(orderedBy: "made DESC, name") }
  public func models() throws -> [ModelRow] { try all(orderedBy: "name, path") }

  func all<R: Row>(orderedBy order: String) throws -> [R] {
    try database.read { try R.fetchAll($0, sql: "SELECT * FROM \(R.databaseTableName) ORDER BY \(order)") }
  }

  /// - Throws: `CatalogueError.unknown`.
  public func set(_ id: String) throws -> PictureSetRow { try one(id, "set of pictures") }
  public func run(_ id: String) throws -> RunRow { try one(id, "run") }
  public func model(_ id: String) throws -> ModelRow { try one(id, "model") }
  public func checkpoint(_ id: String) throws -> CheckpointRow { try one(id, "checkpoint") }

  private func one<R: Row>(_ id: String, _ what: String) throws -> R {
    guard let row = try database.read({ try R.fetchOne($0, key: id) }) else {
      throw CatalogueError.unknown(what, id: String(id.prefix(40)))
    }
    return row
  }

  public func checkpoints(of run: String) throws -> [CheckpointRow] {
    try database.read { try CheckpointRow.filter(Column("run") == run).order(Column("picturesSeen")).fetchAll($0) }
  }

  public func picture(_ id: String) throws -> PictureView {
    let row: PictureRow = try one(id, "picture")
    return try database.read { try views([row], $0)[0] }
  }

  /// The pictures of a query from the newest, and how many there are in all.
  ///
  /// Many pages ask for the same: an answer is kept until something changes.
  public func pictures(_ query: PictureQuery) throws -> (pictures: [PictureView], total: Int) {
    let (known, version) = answers.withLock { ($0.pages[query], $0.version) }
    if let known { return (known.pictures, known.total) }
    let (pictures, total) = try answer(query)
    answers.withLock { answers in
      guard answers.version == version else { return }
      if answers.pages.count >= 64 { answers.pages = [:] }
      answers.pages[query] = Answers.Page(pictures: pictures, total: total)
    }
    return (pictures, total)
  }

  private func answer(_ query: PictureQuery) throws -> (pictures: [PictureView], total: Int) {
    var conditions = [query.areTrashed ? "id IN (SELECT picture FROM trash)" : "id NOT IN (SELECT picture FROM trash)"]
    var arguments = StatementArguments()
    if let pattern = FTS5Pattern(matchingAllPrefixesIn: query.words) {
      conditions.append("rowid IN (SELECT rowid FROM search WHERE search MATCH ?)")
      arguments += [pattern]
    } else if !query.words.isEmpty {
      // Signs alone are in no word.
      return ([], 0)
    }
    if query.areFavourites { conditions.append("id IN (SELECT picture FROM favourites)") }
    let values = [
      ("id IN (SELECT picture FROM boardPictures WHERE board = ?)", query.board), ("run = ?", query.run),
      ("job = ?", query.job), ("kind = ?", query.kind?.rawValue),
      ("id IN (SELECT picture FROM tags WHERE tag = ?)", query.tag),
    ]
    for case (let condition, let value?) in values {
      conditions.append(condition)
      arguments += [value]
    }
    let rest = "FROM pictures WHERE " + conditions.joined(separator: " AND ")
    return try database.read { db in
      let total = try count(query, rest, arguments, db)
      // The inner query is answered from the index alone, however deep it goes.
      let order = "ORDER BY made DESC, path DESC"
      let rows = try PictureRow.fetchAll(
        db, sql: "SELECT * FROM pictures WHERE id IN (SELECT id \(rest) \(order) LIMIT ? OFFSET ?) \(order)",
        arguments: arguments + [min(500, max(0, query.limit)), max(0, query.offset)])
      return (try views(rows, db), total)
    }
  }

  /// How many there are. Words alone are counted by their index, and what is in the trash taken off: that is ten times as fast.
  private func count(_ query: PictureQuery, _ rest: String, _ arguments: StatementArguments, _ db: Database) throws
    -> Int
  {
    var words = PictureQuery()
    (words.words, words.offset, words.limit) = (query.words, query.offset, query.limit)
    guard query == words, let pattern = FTS5Pattern(matchingAllPrefixesIn: query.words) else {
      return try Int.fetchOne(db, sql: "SELECT COUNT(*) " + rest, arguments: arguments) ?? 0
    }
    let matching = "SELECT COUNT(*) FROM search WHERE search MATCH ?"
    let hidden = matching + " AND rowid IN (SELECT rowid FROM pictures WHERE id IN (SELECT picture FROM trash))"
    let all = try Int.fetchOne(db, sql: matching, arguments: [pattern]) ?? 0
    let isEmpty = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM trash") == 0
    return isEmpty ? all : all - (try Int.fetchOne(db, sql: hidden, arguments: [pattern]) ?? 0)
  }

  private func views(_ rows: [PictureRow], _ db: Database) throws -> [PictureView] {
    let ids = rows.map(\.id), list = ids.map { _ in "?" }.joined(separator: ",")
    func marks(_ table: String, _ column: String) throws -> [String: [String]] {
      let found = try GRDB.Row.fetchAll(
        db, sql: "SELECT picture, \(column) FROM \(table) WHERE picture IN (\(list)) ORDER BY 2",
        arguments: StatementArguments(ids))
      return Dictionary(grouping: found) { $0[0] as String }.mapValues { $0.map { $0[1] as String } }
    }
    let favourites = try marks("favourites", "picture"), trash = try marks("trash", "picture")
    let tags = try marks("tags", "tag"), boards = try marks("boardPictures", "board")
    return rows.map {
      PictureView(
        picture: $0, isFavourite: favourites[$0.id] != nil, isTrashed: trash[$0.id] != nil, tags: tags[$0.id] ?? [],
        boards: boards[$0.id] ?? [])
    }
  }

  public func boards() throws -> [BoardView] {
    try database.read { db in
      try GRDB.Row.fetchAll(
        db,
        sql: """
          SELECT boards.id, name, COUNT(boardPictures.picture) FROM boards
          LEFT JOIN boardPictures ON board = boards.id GROUP BY boards.id ORDER BY name
          """
      ).map { BoardView(id: $0[0], name: $0[1], pictures: $0[2]) }
    }
  }

  public func tags() throws -> [String] {
    try database.read { try String.fetchAll($0, sql: "SELECT DISTINCT tag FROM tags ORDER BY tag") }
  }

  // MARK: Marking

  /// All throw `CatalogueError`, `FileTrouble` and GRDB's errors.
  public func setFavourite(_ isFavourite: Bool, _ ids: [String]) throws {
    try mark(ids) { $0.favourite = isFavourite ? $0.favourite ?? now : nil }
  }

  /// The trash hides; the files stay where they are.
  public func setTrashed(_ isTrashed: Bool, _ ids: [String]) throws {
    try mark(ids) { $0.trashed = isTrashed ? $0.trashed ?? now : nil }
  }

  public func setTags(_ tags: [String], _ ids: [String]) throws {
    for tag in tags { try check(tag, "tag") }
    try mark(ids) { $0.tags = Array(Set(tags)).sorted() }
  }

  @discardableResult
  public func addBoard(_ name: String) throws -> BoardView {
    try check(name, "board's name")
    try edit { marks in if !marks.boards.contains(name) { marks.boards = (marks.boards + [name]).sorted() } }
    return BoardView(id: catalogueID("board/\(name)"), name: name, pictures: 0)
  }

  /// Takes a board away; its pictures stay.
  public func removeBoard(_ id: String) throws {
    let name = try name(ofBoard: id)
    try edit { marks in
      marks.boards.removeAll { $0 == name }
      for place in marks.pictures.indices { marks.pictures[place].boards.removeAll { $0 == name } }
      marks.pictures.removeAll(where: \.isEmpty)
    }
  }

  public func put(_ ids: [String], onBoard board: String, isOn: Bool = true) throws {
    let name = try name(ofBoard: board)
    try mark(ids) { picture in
      picture.boards.removeAll { $0 == name }
      if isOn { picture.boards = (picture.boards + [name]).sorted() }
    }
  }

  private func name(ofBoard id: String) throws -> String {
    let name = try database.read {
      try String.fetchOne($0, sql: "SELECT name FROM boards WHERE id = ?", arguments: [id])
    }
    guard let name else { throw CatalogueError.unknown("board", id: String(id.prefix(40))) }
    return name
  }

  private func check(_ words: String, _ what: String) throws(CatalogueError) {
    guard (1...100).contains(words.count), !words.contains(where: \.isNewline), !words.contains("\0") else {
      throw .badName(what)
    }
  }

  /// Whole seconds, as files have them.
  private var now: Date { Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)) }

  /// Every row of every table, in order: what a rebuilt catalogue is compared by.
  public func dump() throws -> [String] {
    try database.read { db in
      let tables = [
        "sets", "runs", "checkpoints", "models", "pictures", "favourites", "trash", "boards", "boardPictures", "tags",
      ]
      var rows = try tables.flatMap { table in
        try GRDB.Row.fetchAll(db, sql: "SELECT * FROM \(table) ORDER BY 1, 2").map { "\(table) \($0)" }
      }
      rows += try String.fetchAll(db, sql: "SELECT words FROM search ORDER BY words").map { "search \($0)" }
      return rows
    }
  }
}

extension Catalogue {
  /// Where a row's file is.
  public func file(_ path: String) -> String {
    guard path.hasPrefix("bundled/"), let bundled else { return "\(workspace)/\(path)" }
    return "\(bundled)/\(path.dropFirst("bundled/".count))"
  }

  /// The folder of a set's small copies, each named by `catalogueID` of the picture's name in the set.
  public func thumbnails(ofSet id: String) -> String { "\(workspace)/studio/small/\(id)" }

  /// The files of a set, by their names in it: pictures first, with their captions.
  ///
  /// - Throws: `CatalogueError.unknown`.
  public func files(ofSet id: String) throws -> [(name: String, caption: String?, crop: String?)] {
    let set = try set(id)
    let all = Scan(workspace: workspace, runs: [], known: []).files(under: set.path)
    let beside = Set(all.filter { $0.hasSuffix(".txt") || $0.hasSuffix(".crop") })
    func text(_ path: String) -> String? {
      beside.contains(path)
        ? (try? String(contentsOfFile: file(path), encoding: .utf8)).map { String($0.prefix(2000)) } : nil
    }
    return all.filter { Scan.pictureEndings.contains(($0 as NSString).pathExtension.lowercased()) }.map { path in
      let caption = text((path as NSString).deletingPathExtension + ".txt")
      return (String(path.dropFirst(set.path.count + 1)), caption, text(path + ".crop"))
    }
  }
}

extension Catalogue {
  /// Plain files below folders of the workspace, by their paths there. Links and hidden files are left out.
  public func files(under folders: [String]) -> [String] {
    let scan = Scan(workspace: workspace, runs: [], known: [])
    return folders.flatMap { scan.files(under: $0) }
  }

  /// Bytes of a file of the workspace.
  public func size(_ path: String) -> UInt64 {
    var facts = stat()
    return lstat("\(workspace)/\(path)", &facts) == 0 ? UInt64(max(0, facts.st_size)) : 0
  }
}

extension Catalogue {
  /// How many rows there are of each kind.
  public func counts() throws -> [String: Int] {
    try database.read { db in
      try Dictionary(
        uniqueKeysWithValues: ["sets", "runs", "checkpoints", "models", "pictures", "boards"].map {
          ($0, try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \($0)") ?? 0)
        })
    }
  }
}

/// Answers that are still true.
struct Answers: Sendable {
  struct Page: Sendable {
    let pictures: [PictureView]
    let total: Int
  }
  var version = 0
  var pages: [PictureQuery: Page] = [:]

  mutating func forget() {
    version += 1
    pages = [:]
  }
}
