import GRDB

extension Catalogue {
  /// The tables. A migration that was released is never changed: the next one follows it.
  static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.create(table: "sets") { table in
        table.primaryKey("id", .text)
        table.column("path", .text).notNull().unique()
        table.column("name", .text).notNull()
        table.column("pictures", .integer).notNull()
        table.column("captions", .integer).notNull()
        table.column("bytes", .integer).notNull()
        table.column("made", .datetime).notNull()
      }
      try db.create(table: "runs") { table in
        table.primaryKey("id", .text)
        table.column("path", .text).notNull().unique()
        table.column("name", .text).notNull()
        table.column("recipe", .text).notNull()
        table.column("settings", .text).notNull()
        table.column("pictures", .text).notNull()
        table.column("pictureSet", .text).references("sets", onDelete: .setNull, deferred: true)
        table.column("count", .integer).notNull()
        table.column("seed", .integer).notNull()
        table.column("picturesSeen", .integer).notNull()
        table.column("seconds", .double).notNull()
        table.column("ending", .text)
        table.column("kid", .double)
        table.column("made", .datetime).notNull()
      }
      try db.create(table: "checkpoints") { table in
        table.primaryKey("id", .text)
        table.column("path", .text).notNull().unique()
        table.column("run", .text).notNull().references("runs", onDelete: .cascade, deferred: true)
        table.column("picturesSeen", .integer).notNull()
        table.column("bytes", .integer).notNull()
        table.column("isBest", .boolean).notNull()
        table.column("isWhole", .boolean).notNull()
      }
      try db.create(table: "models") { table in
        table.primaryKey("id", .text)
        table.column("path", .text).notNull().unique()
        table.column("name", .text).notNull()
        table.column("recipe", .text).notNull()
        table.column("licence", .text).notNull()
        table.column("bytes", .integer).notNull()
        table.column("words", .text).notNull()
      }
      try db.create(table: "pictures") { table in
        table.primaryKey("id", .text)
        table.column("path", .text).notNull().unique()
        table.column("kind", .text).notNull()
        table.column("job", .text).notNull()
        table.column("verb", .text).notNull()
        table.column("run", .text).references("runs", onDelete: .setNull, deferred: true)
        table.column("seed", .integer)
        table.column("width", .integer).notNull()
        table.column("height", .integer).notNull()
        table.column("bytes", .integer).notNull()
        table.column("made", .datetime).notNull()
        table.column("content", .text).notNull()
        table.column("words", .text).notNull()
      }
      // The gallery's order, and a job's results.
      try db.create(index: "picturesByTime", on: "pictures", columns: ["made", "path", "id"])
      try db.create(index: "picturesByJob", on: "pictures", columns: ["job"])

      for name in ["favourites", "trash"] {
        try db.create(table: name) { table in
          table.primaryKey("picture", .text).references("pictures", onDelete: .cascade, deferred: true)
          table.column("time", .datetime).notNull()
        }
      }
      try db.create(table: "boards") { table in
        table.primaryKey("id", .text)
        table.column("name", .text).notNull().unique()
      }
      try db.create(table: "boardPictures") { table in
        table.column("board", .text).notNull().references("boards", onDelete: .cascade, deferred: true)
        table.column("picture", .text).notNull().references("pictures", onDelete: .cascade, deferred: true)
        table.primaryKey(["board", "picture"])
      }
      try db.create(table: "tags") { table in
        table.column("picture", .text).notNull().references("pictures", onDelete: .cascade, deferred: true)
        table.column("tag", .text).notNull()
        table.primaryKey(["picture", "tag"])
      }
      // All words that made a picture, and its tags.
      try db.create(virtualTable: "search", using: FTS5()) { table in
        table.tokenizer = .unicode61()
        table.prefixes = [1, 2, 3]
        table.column("words")
      }
    }
    return migrator
  }()
}
