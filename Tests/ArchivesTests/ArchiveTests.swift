import Testing

@testable import Archives

@Suite struct ArchiveTests {
  @Test func listsAndReadsFiles() throws {
    let archive = try Archive(golden("good.zip"))
    #expect(try archive.entries().map(\.name) == ["pictures/a.txt", "pictures/b.txt", "zeros.bin"])
    #expect(try archive.read("pictures/b.txt") == Array("second".utf8))
    #expect(try archive.read("zeros.bin") == [UInt8](repeating: 0, count: 1 << 20))
    #expect(try archive.read("absent") == nil)
  }

  @Test func aNameThatClimbsOutIsRefused() throws {
    let archive = try Archive(golden("escape.zip"))
    #expect(throws: ArchiveError(archive.path, .unsafeName("../outside.txt"))) { try archive.entries() }
  }

  @Test(arguments: ["", "/etc/passwd", "..", "a/../../b", "C:/x", "C:\\x", "\\\\host\\x", "a\0b", "a\nb", "./.."])
  func unsafeNames(_ name: String) { #expect(Archive.sanitised(Array(name.utf8)) == nil) }

  @Test func harmlessNamesAreTidied() {
    for (name, tidy) in [
      ("./a//b/./c.png", "a/b/c.png"), ("..a/b..png", "..a/b..png"), ("a\\b.png", "a/b.png"),
      ("caf\u{E9}.png", "caf\u{E9}.png"),
    ] {
      #expect(Archive.sanitised(Array(name.utf8)) == tidy)
    }
    // As Windows packs names that aren't UTF-8: CP437, and Shift-JIS, of whose letters the second byte may be a backslash.
    #expect(Archive.sanitised([0x63, 0x82] + Array(".png".utf8)) == "c\\x82.png")
    #expect(Archive.sanitised([0x83, 0x5C] + Array("/a.png".utf8)) == "\\x83\\/a.png")
  }

  @Test func aFileLargerThanItsLimitIsRefusedBeforeItIsUnpacked() throws {
    let archive = try Archive(golden("good.zip"), limits: .init(bytes: 1000))
    #expect(try archive.read("pictures/a.txt") == Array("first".utf8))
    #expect(throws: ArchiveError(archive.path, .tooLarge("zeros.bin", limit: 1000))) { try archive.read("zeros.bin") }
  }

  @Test func theSumOfAllFilesIsLimited() throws {
    let archive = try Archive(golden("good.zip"), limits: .init(bytes: 8))
    #expect(throws: ArchiveError.self) {
      try archive.forEach { _, read throws(ArchiveError) in
        _ = try read()
        return true
      }
    }
  }

  @Test func damageIsNamed() throws {
    let archive = try Archive(golden("damaged.zip"))
    let error = #expect(throws: ArchiveError.self) { try archive.read("pictures/a.txt") }
    guard case .damaged = error?.problem else { return #expect(Bool(false), "\(String(describing: error))") }
  }

  @Test func missingAndForeignFiles() {
    #expect(throws: ArchiveError("/nowhere.zip", .missing)) { try Archive("/nowhere.zip") }
    let script = golden("../checkpoints.py")
    #expect(throws: ArchiveError(script, .notAnArchive)) { try Archive(script).entries() }
  }
}
