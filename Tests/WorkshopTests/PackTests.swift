import Foundation
import Media
import Testing
import Torch
import Training
@testable import Workshop

@Suite struct PackTests {
  @Test func picturesArePackedInOrderOnce() throws {
    let studio = try Studio("scene.jpg", "parrot.png", "short.jpg", "grey.png")
    try studio.put("violin.png", as: "b/violin.png")
    let packing = Packing(size: 32)
    let first = try pack(studio.pictures, packing, in: studio.workspace)
    #expect(first.count == 4 && !first.wasThere)
    #expect(first.setAside == [SetAside(name: "short.jpg", reason: "is cut short")])
    let set = try PictureSet(path: first.path)
    #expect(set.names == ["b/violin.png", "grey.png", "parrot.png", "scene.jpg"])
    #expect(set.pictures.shape == [4, 3, 32, 32])
    let scene = try Picture.load(Fixtures.path("scene.jpg"), Decoding(size: 32))
    #expect(set.pictures[3].isEqual(to: scene.tensor))

    let again = try pack(studio.pictures, packing, in: studio.workspace)
    #expect(again.wasThere && again.path == first.path && again.setAside == first.setAside && again.hash == first.hash)
    // Another way of packing is another set; another content is, too.
    let fitted = try pack(studio.pictures, Packing(size: 32, crop: .fit), in: studio.workspace)
    #expect(!fitted.wasThere && fitted.path != first.path && fitted.hash == first.hash)
    try FileManager.default.removeItem(atPath: studio.pictures + "/grey.png")
    try studio.put("one.png", as: "grey.png")
    let changed = try pack(studio.pictures, packing, in: studio.workspace)
    #expect(!changed.wasThere && changed.hash != first.hash)
    // What was there before is found by its contents, whatever the files' dates.
    try FileManager.default.removeItem(atPath: studio.pictures + "/grey.png")
    try studio.put("grey.png")
    #expect(try pack(studio.pictures, packing, in: studio.workspace).path == first.path)
  }

  /// The cache keeps below its limit: what was used longest ago goes, with all that belongs to it; what is needed stays.
  @Test func theCacheHasALimit() throws {
    let studio = try Studio("scene.jpg", "parrot.png")
    let workspace = studio.workspace
    var sets: [String] = []
    for size in [16, 24, 32, 48] {
      sets.append(try pack(studio.pictures, Packing(size: PictureSize(size)), in: workspace).path)
    }
    let grids = sets[0].replacing(".safetensors", with: "-grids.safetensors")
    try AtomicFile.write([UInt8](repeating: 1, count: 5000), to: grids)
    try AtomicFile.write([UInt8](repeating: 1, count: 900_000), to: workspace.cache + "/network.whl")
    func hours(_ path: String, _ count: Int) {
      var times = [
        timeval(tv_sec: time(nil) - 3600 * count, tv_usec: 0), timeval(tv_sec: time(nil) - 3600 * count, tv_usec: 0),
      ]
      for file in [path, path.replacing(".safetensors", with: ".json")] { utimes(file, &times) }
    }
    // The second is the only one that there is of a run whose pictures are gone.
    let packed = Packed(
      path: sets[1], hash: try contentHash(of: Gallery(studio.pictures), in: workspace), count: 2, setAside: [])
    let record = RunRecord(
      recipe: "dcgan", settings: "{}", plan: Plan(.pictures(1)), pictures: studio.root + "/gone", packed,
      Packing(size: 24))
    try AtomicFile.makeFolder(workspace.runs + "/old")
    try record.write(to: workspace.runs + "/old")
    for (path, age) in zip(sets, [50, 90, 30, 1]) { hours(path, age) }
    hours(grids, 50)
    let isThere = { (path: String) in FileManager.default.fileExists(atPath: path) }
    CacheLimit.keep(workspace)
    #expect(sets.allSatisfy(isThere), "far below the limit nothing goes")
    func bytes(_ paths: [String]) throws -> Int { try paths.reduce(0) { $0 + (try FileBytes.read($1).count) } }
    let notes = sets.map { $0.replacing(".safetensors", with: ".json") }
    CacheLimit.keep(workspace, below: try bytes(sets + notes))
    #expect(!isThere(sets[0]) && !isThere(grids) && !isThere(notes[0]) && sets.dropFirst().allSatisfy(isThere))
    CacheLimit.keep(workspace, below: 0)
    #expect(isThere(sets[1]) && !isThere(sets[2]) && isThere(sets[3]), "not the irreplaceable, nor what is in use")
    #expect(isThere(workspace.cache + "/network.whl"))
    // What is missed is packed again; what is used is young again.
    #expect(try !pack(studio.pictures, Packing(size: 16), in: workspace).wasThere)
    hours(sets[3], 60)
    #expect(try pack(studio.pictures, Packing(size: 48), in: workspace).wasThere)
    CacheLimit.keep(workspace, below: 0)
    #expect(isThere(sets[3]))
  }

  @Test(arguments: [
    ("labels.csv", "file,kind\nparrot.png,birds\n\"b/violin.png\", music \nscene.jpg,a/b\n"),
    ("labels.csv", "\u{FEFF}parrot.png;birds\r\nb/violin.png;music\r\nscene.jpg;a/b\r\nnowhere.png;music"),
    ("dataset.json", #"{"labels": [["parrot.png", "birds"], ["b/violin.png", "music"], ["scene.jpg", "a/b"]]}"#),
  ])
  func kindsComeFromAFile(_ name: String, _ content: String) throws {
    let studio = try Studio("scene.jpg", "parrot.png", "grey.png")
    try studio.put("violin.png", as: "b/violin.png")
    let plain = try pack(studio.pictures, Packing(size: 16), in: studio.workspace)
    try AtomicFile.write(content, to: "\(studio.pictures)/\(name)")
    for source in [studio.pictures, try studio.zipped()] {
      let packed = try pack(source, Packing(size: 16), in: studio.workspace)
      #expect(packed.path != plain.path)
      let set = try PictureSet(path: packed.path)
      let classes = PictureClasses(of: set.names)
      #expect(classes.names == ["a-b", "birds", "music"] && classes.counts == [1, 1, 1], "\(set.names)")
      let grey = try #require(set.names.firstIndex { $0.hasSuffix("grey.png") })
      #expect(classes.labels[grey] == -1)
    }
  }

  @Test func numbersAndNothingAreKinds() throws {
    let studio = try Studio("scene.jpg", "parrot.png")
    func write(_ content: String) throws {
      try AtomicFile.write(content, to: "\(studio.pictures)/dataset.json", isForced: true)
    }
    func names() throws -> [String] {
      try PictureSet(path: pack(studio.pictures, Packing(size: 16), in: studio.workspace).path).names
    }
    try write(#"{"labels": [["scene.jpg", 3], ["parrot.png", 0]]}"#)
    #expect(try names() == ["0/parrot.png", "3/scene.jpg"])
    try write(#"{"labels": null}"#)
    #expect(try names() == ["parrot.png", "scene.jpg"])
    for bad in ["{", "[1]", #"{"labels": 3}"#, #"{"labels": [["a"]]}"#, #"{"labels": [["scene.jpg", null]]}"#] {
      try write(bad)
      #expect(throws: LabelFileError.self, "\(bad)") { try names() }
    }
    try write(#"{"labels": [["elsewhere.png", 1]]}"#)
    let path = "\(studio.pictures)/dataset.json"
    #expect(throws: LabelFileError.noneThere(path: path, first: "elsewhere.png")) { try names() }
  }

  @Test func texturesArePackedInPieces() throws {
    let studio = try Studio("scene.jpg", "one.png", "short.jpg")
    let packed = try pack(studio.pictures, Packing(size: 32, crop: .pieces), in: studio.workspace)
    let set = try PictureSet(path: packed.path)
    let scene = try Picture.load(Fixtures.path("scene.jpg")).tensor
    #expect(packed.setAside.count == 1 && set.count > 20 && set.names.first == "one.png")
    // Its own pixels, from corner to corner.
    let (bottom, right) = (scene.size(1) - 32, scene.size(2) - 32)
    #expect(set.names.last == "scene.jpg at \(right),\(bottom)")
    for (i, name) in set.names.enumerated().dropFirst() {
      let place = name.dropFirst("scene.jpg at ".count).split(separator: ",").map { Int($0)! }
      let piece = scene.narrowed(dim: 1, from: place[1], count: 32).narrowed(dim: 2, from: place[0], count: 32)
      #expect(set.pictures[i].isEqual(to: piece.contiguous()), "\(name)")
    }
    // There are never more than some thousand of a picture.
    let large = Picture(width: 2000, height: 1500, of: .black)
    #expect((900...1100).contains(large.pieces(of: 16, named: "large").count))
  }

  /// Twelve columns, each of its own grey: what is kept of them is known without a filter.
  @Test func picturesTakeTheShapeThatIsAsked() throws {
    let studio = try Studio()
    let columns = (0..<12).map { UInt8(20 * $0) }
    try Picture(width: 12, height: 4, channels: 1, bytes: (0..<4).flatMap { _ in columns })
      .write(studio.pictures + "/columns.png")
    func packed(_ size: PictureSize, _ crop: Decoding.Crop) throws -> PictureSet {
      let packing = Packing(size: size, crop: crop, channels: 1)
      return try PictureSet(path: pack(studio.pictures, packing, in: studio.workspace).path)
    }
    func rows(_ range: Range<Int>) -> [UInt8] { (0..<4).flatMap { _ in columns[range] } }
    let centre = try packed(PictureSize(6, 4), .centre)
    #expect(centre.size == PictureSize(6, 4) && centre.pictures.shape == [1, 1, 4, 6])
    #expect(centre.pictures.bytes == rows(3..<9))
    let whole = try packed(PictureSize(12, 8), .fit)
    let white = [UInt8](repeating: 255, count: 24)
    #expect(whole.pictures.bytes == white + rows(0..<12) + white)
    // A quarter of the shorter side apart.
    let pieces = try packed(PictureSize(10, 4), .pieces)
    #expect(pieces.names == (0...2).map { "columns.png at \($0),0" })
    for i in 0...2 { #expect(pieces.pictures[i].contiguous().bytes == rows(i..<i + 10)) }
    // A square is written as it always was: sets that were packed before are found.
    #expect(Packing(size: 64).key == "1 64 centre 3 255,255,255" || Packing(size: 64).key.hasPrefix("1 64 centre 3 "))
  }

  @Test func theShapeOfMostPicturesIsFound() throws {
    func shape(_ sizes: [PictureSize]) -> UsualShape? { UsualShape(of: sizes) }
    let wide = PictureSize(90, 60), tall = PictureSize(60, 90), photo = PictureSize(80, 60)
    #expect(shape([wide, wide, photo, tall])?.words == "3:2")
    #expect(shape([tall, tall, tall])?.words == "2:3" && shape([PictureSize(137, 100)])?.words == "1.37:1")
    #expect(shape([PictureSize(100, 271)])?.words == "1:2.71")
    #expect(shape([wide, tall, wide, tall]) == nil && shape([64, 64, wide]) == nil && shape([]) == nil)
    #expect(shape([PictureSize(115, 100)]) == nil, "about square")
    // Of a large folder or zip file some headers are read, from all over it, whatever can't be read.
    let studio = try Studio("short.jpg", "nothing.png")
    for i in 0..<150 {
      try Picture(width: i < 30 ? 8 : 12, height: 8, of: .black).write(
        "\(studio.pictures)/\(1000 + i).png", isSynced: false)
    }
    let typical = try TypicalSize(ofPicturesIn: studio.pictures)
    #expect(typical.shape?.aspect == 1.5 && typical.side == 8 && typical.pictures == 152)
    #expect(try TypicalSize(ofPicturesIn: studio.zipped()).shape?.aspect == 1.5)
  }

  @Test func whatAKilledPackLeftIsDeleted() throws {
    let studio = try Studio("scene.jpg")
    try studio.workspace.make(studio.workspace.cache)
    // No process has the largest number of all; the one of this process is alive.
    let (dead, alive) = ("a.safetensors.\(Int32.max).part", "b.safetensors.\(getpid()).part")
    for name in [dead, alive] { try AtomicFile.write("half", to: "\(studio.workspace.cache)/\(name)") }
    _ = try pack(studio.pictures, Packing(size: 16), in: studio.workspace)
    let left = try FileManager.default.contentsOfDirectory(atPath: studio.workspace.cache)
    #expect(!left.contains(dead) && left.contains(alive))
  }

  @Test func aDamagedSetIsPackedAgain() throws {
    let studio = try Studio("scene.jpg", "parrot.png")
    let first = try pack(studio.pictures, Packing(size: 16), in: studio.workspace)
    try AtomicFile.write("no set", to: first.path, isForced: true)
    let again = try pack(studio.pictures, Packing(size: 16), in: studio.workspace)
    #expect(!again.wasThere && again.path == first.path)
    #expect(try PictureSet(path: again.path).count == 2)
  }

  @Test(arguments: [1, 3, 4]) func channelsAreAsAsked(_ channels: Int) throws {
    let studio = try Studio("scene.jpg", "parrot.png", "grey.png", "greyalpha.png", "cmyk.jpg")
    let packed = try pack(
      studio.pictures, Packing(size: 20, crop: .fit, channels: channels), in: studio.workspace)
    #expect(try PictureSet(path: packed.path).pictures.shape == [5, channels, 20, 20])
  }

  @Test func anArchiveIsPackedLikeItsFolder() throws {
    let studio = try Studio("parrot.png", "scene.jpg", "short.png")
    try studio.put("violin.png", as: "b/violin.png")
    try studio.put("words.png", as: "notes.txt")
    let folder = try pack(studio.pictures, Packing(size: 24), in: studio.workspace)
    let archive = try pack(studio.zipped(), Packing(size: 24), in: studio.workspace)
    #expect(archive.count == 3 && archive.setAside == [SetAside(name: "short.png", reason: "is cut short")])
    let (a, b) = (try PictureSet(path: folder.path), try PictureSet(path: archive.path))
    // An archive has its own order.
    #expect(Set(a.names) == Set(b.names.map { $0.replacing("pictures/", with: "") }))
    for (i, name) in b.names.enumerated() {
      let j = try #require(a.names.firstIndex(of: name.replacing("pictures/", with: "")))
      #expect(a.pictures[j].isEqual(to: b.pictures[i]), "\(name)")
    }
    #expect(try inspect(studio.zipped("two.zip")).pictures == 3)
  }

  @Test func onlyDamageIsASentence() throws {
    let studio = try Studio("short.jpg", "short.png")
    #expect(throws: GalleryError.self) { _ = try pack(studio.pictures, Packing(size: 16), in: studio.workspace) }
    let error = GalleryError.nothingLeft(path: "p", first: SetAside(name: "a", reason: "is empty"), count: 2)
    #expect(error.exit == .data)
    #expect(
      error.sentence
        == "None of the 2 pictures in p can be used; a is empty: copy them again from where they came from.")
    // Nothing half-made stays.
    let left = try FileManager.default.contentsOfDirectory(atPath: studio.workspace.cache)
    #expect(!left.contains { $0.hasSuffix(".safetensors") || $0.hasSuffix(".part") })
  }

  @Test func aWorkspaceThatCannotBeIsASentence() throws {
    let studio = try Studio("scene.jpg")
    let file = studio.root + "/file"
    try AtomicFile.write("x", to: file)
    #expect { _ = try pack(studio.pictures, Packing(size: 16), in: Workspace(file)) } throws: { error in
      (error as? any Explained)?.exit == .cannotCreate
    }
  }
}
