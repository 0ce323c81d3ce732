import Foundation
import Media
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// Files of classes: RFC 4180, by whatever divider names the pictures, and what doesn't fit is counted and named.
@Suite struct LabelTests {
  private func packed(_ names: [String], _ content: [UInt8], as file: String = "labels.csv") throws -> (
    classes: [String: String], notes: [String]
  ) {
    let studio = try Studio()
    for name in names { try studio.put("scene.jpg", as: name) }
    try AtomicFile.write(content, to: "\(studio.pictures)/\(file)")
    let packed = try pack(studio.pictures, Packing(size: 8), in: studio.workspace)
    let set = try PictureSet(path: packed.path)
    let classes = PictureClasses(of: set.names)
    var found: [String: String] = [:]
    for (name, label) in zip(set.names, classes.labels) where label >= 0 {
      found[String(name.drop { $0 != "/" }.dropFirst())] = classes.names[Int(label)]
    }
    #expect(try packed.labelNotes == inspect(studio.pictures).labelNotes)
    return (found, packed.labelNotes ?? [])
  }

  @Test(arguments: [
    (["p0.jpg", "p1.jpg"], "p0.jpg,dog; big\np1.jpg,cat; big\n", ["p0.jpg": "dog; big", "p1.jpg": "cat; big"]),
    (["a;0.jpg", "a;1.jpg"], "\"a;0.jpg\",dog\n\"a;1.jpg\",cat\n", ["a;0.jpg": "dog", "a;1.jpg": "cat"]),
    (["a\"0.jpg", "b.jpg"], "\"a\"\"0.jpg\",dog\r\n\"b.jpg\",cat\r\n", ["a\"0.jpg": "dog", "b.jpg": "cat"]),
    (["a,0.jpg", "b.jpg"], "a,0.jpg;dog\nb.jpg;cat, small\n", ["a,0.jpg": "dog", "b.jpg": "cat, small"]),
    (["a.jpg", "b.jpg"], "file\tkind\textra\na.jpg\t dog \t1\nb.jpg\tcat\t2", ["a.jpg": "dog", "b.jpg": "cat"]),
    (["a.jpg", "b.jpg"], "a.jpg,\"two\nlines\"\nb.jpg,\"a \"\"b\"\"\"", ["a.jpg": "two\nlines", "b.jpg": "a \"b\""]),
    (["grün.jpg", "b.jpg"], "\u{FEFF}grün.jpg,für\n./b.jpg,cat", ["grün.jpg": "für", "b.jpg": "cat"]),
  ])
  func tablesAreReadByTheStandard(_ names: [String], _ text: String, _ classes: [String: String]) throws {
    let found = try packed(names, Array(text.utf8))
    #expect(found.classes == classes && found.notes == [])
    // As spreadsheets also write it.
    let wide = Array(text.utf16).reduce(into: [0xFF, 0xFE] as [UInt8]) { $0 += [UInt8($1 & 255), UInt8($1 >> 8)] }
    #expect(try packed(names, wide, as: "Labels.CSV").classes == classes)
  }

  @Test func whatDoesNotFitIsCountedAndNamed() throws {
    let names = (0..<6).map { "p\($0).jpg" }
    let text = """
      P0.JPG,dog
      p1.jpg,cat
      p1.jpg,dog
      p2.jpg,cat
      p2.jpg,cat
      gone.jpg,cat
      away.jpg,cat
      p3.jpg
      """
    let found = try packed(names, Array(text.utf8))
    #expect(found.classes == ["p0.jpg": "dog", "p1.jpg": "cat", "p2.jpg": "cat"])
    #expect(
      found.notes == [
        "labels.csv gives 3 of 6 pictures no class: p3.jpg, p4.jpg, p5.jpg.",
        "labels.csv has 1 line that isn't a picture, a comma and a class: line 8.",
        "labels.csv names 2 pictures that aren't there: gone.jpg, away.jpg.",
        "labels.csv gives 1 picture two classes, of which the first counts: p1.jpg.",
        "labels.csv writes the name of 1 picture in another case: p0.jpg.",
      ])
    #expect(
      try packed(["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"], Array("a.jpg,x\n".utf8)).notes
        == ["labels.csv gives 4 of 5 pictures no class: b.jpg, c.jpg, d.jpg and 1 more."])
  }

  @Test func whatIsNoTableIsASentence() throws {
    let studio = try Studio("scene.jpg")
    let path = "\(studio.pictures)/labels.csv"
    for (content, why) in [
      (Array("scene.jpg,\"dog\n".utf8), "a quote in line 1 never ends"), ([0, 1, 2, 3], "it is no text"),
      (Array("scene.jpg\n".utf8), "line 1 isn't a picture, a comma and a class"),
    ] {
      try AtomicFile.write(content, to: path, isForced: true)
      #expect(throws: LabelFileError.unreadable(path: path, why: why)) {
        try pack(studio.pictures, Packing(size: 8), in: studio.workspace)
      }
    }
    #expect(
      LabelFileError.unreadable(path: "labels.csv", why: "it is no text").sentence
        == "labels.csv can't be read, since it is no text: write a picture's name, a comma and its class on each line, or "
        + "take the file away.")
  }
}
