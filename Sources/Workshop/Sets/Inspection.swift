import Foundation
import Media
import Torch

/// What `atelier inspect` found. Also its JSON.
public struct Inspection: Codable, Sendable, Equatable {
  public let path: String
  /// Pictures that can be used.
  public var pictures = 0
  /// How many of each format, such as "JPEG": 12.
  public var formats: [String: Int] = [:]
  public var smallest: Extent?
  public var largest: Extent?
  /// The middle one of the pictures' shorter sides, in pixels.
  public var typicalSide = 0
  /// Files that look like pictures but can't be used.
  public var damaged: [SetAside] = []
  /// Groups of pictures with the same pixels.
  public var duplicates: [[String]] = []
  /// Groups of pictures that are the same to the eye.
  public var nearDuplicates: [[String]] = []
  /// True where so many pictures are like each other that not all pairs were compared; nil elsewhere.
  public var isUnfinished: Bool?
  /// The shape that most pictures have; nil where that is about a square, or where shapes differ.
  public var shape: UsualShape?
  /// Pictures that are smaller than `size`.
  public var tooSmall: [String] = []
  /// Pictures of which `size` leaves less than half.
  public var longish: [String] = []
  /// Pictures that look grey, listed where others don't.
  public var greyAmongColour: [String] = []
  public var isAllGrey = false
  /// Whether most are drawn: flat parts, few colours.
  public var areDrawn = false
  /// Pictures of one colour all over in the part that is used: empty ones, and white drawings on nothing.
  public var blank: [String] = []
  /// Pictures that are transparent somewhere.
  public var transparent: [String] = []
  /// Of these only the first frame is used.
  public var animated: [String] = []
  /// Files and folders whose names begin with a dot, passed over.
  public var hidden = 0
  /// Files that aren't pictures, passed over.
  public var others = 0
  /// Of the pictures that would be trained.
  public var size: PictureSize
  public var advice: Advice?
  /// Where the contact sheet is.
  public var sheet: String?
  /// Of one file: what it is, how it is read, and what will be lost.
  public var file: [FileFact]?
  /// What doesn't fit between a file of classes and the pictures; nil where all does.
  public var labelNotes: [String]?
  /// Pictures that are cropped by hand; nil where none is.
  public var cropped: Int?

  public struct Extent: Codable, Hashable, Sendable {
    public let name: String
    public let width: Int
    public let height: Int
  }

  init(path: String, size: PictureSize) { (self.path, self.size) = (path, size) }

  /// Pictures that would be left if only one of each group were kept.
  public var distinct: Int {
    pictures - (duplicates + nearDuplicates).reduce(0) { $0 + $1.count - 1 }
  }
}

/// What one would train on these pictures, and how: filled by who knows the recipes.
public struct Advice: Codable, Hashable, Sendable {
  public let recipe: String
  public let preset: String?
  public let size: PictureSize
  /// Minutes until there is something to look at.
  public let minutes: Double
  /// Why, and what to expect, in a sentence or two.
  public let words: String
  /// The size in the shape of most pictures, where they aren't square.
  public let fitting: PictureSize?

  public init(
    recipe: String, preset: String? = nil, size: PictureSize, minutes: Double, words: String,
    fitting: PictureSize? = nil
  ) {
    (self.recipe, self.preset, self.size, self.minutes, self.words) = (recipe, preset, size, minutes, words)
    self.fitting = fitting
  }
}

extension Inspection {
  /// The whole report, a line a finding, most important first.
  public var report: [String] {
    if let file { return table(file) + (sheet.map { ["The contact sheet is \($0)."] } ?? []) }
    var lines = [summary]
    let broken = damaged.map { "\($0.name) \($0.reason)" }
    lines += list(broken, "file can't be used and is left out", "files can't be used and are left out")
    lines += groups(duplicates, "are the same picture")
    lines += groups(nearDuplicates, "look the same")
    if isUnfinished == true {
      lines.append("More may look the same: so many are alike here that not all of them were compared.")
    }
    if distinct < pictures {
      lines.append("One of each would leave \(counted(distinct, "picture")): repeats make a generator copy them.")
    }
    let small = "smaller than \(size) pixels, and would be blown up"
    lines += list(tooSmall, "picture is \(small)", "pictures are \(small)")
    let part = size.isSquare ? "a square" : "\(size)"
    let long = "so long or high that \(part) shows less than half (--crop fit shows all of it)"
    lines += list(longish, "picture is \(long)", "pictures are \(long)")
    if let shape {
      let fitting = advice?.fitting.map { ": --size \($0) fits them" } ?? ""
      lines.append("Most pictures are about \(shape.words)\(fitting).")
    }
    if isAllGrey { lines.append("All are grey: --channels 1 trains faster.") }
    lines += list(greyAmongColour, "picture is grey among colour", "pictures are grey among colour")
    let plain = "blank in the middle, at least on white (another --ground may show more)"
    lines += list(blank, "picture is \(plain)", "pictures are \(plain)")
    let clear = "transparent in places (laid on white, or kept with --channels 4)"
    lines += list(transparent, "picture is \(clear)", "pictures are \(clear)")
    lines += list(animated, "picture moves: only its first frame is used", "pictures move: only first frames are used")
    if let cropped {
      lines.append("Cropped by hand: \(counted(cropped, "picture")), of which only that part is used and judged here.")
    }
    lines += labelNotes ?? []
    if hidden > 0 { lines.append("Passed over: \(counted(hidden, "hidden file")).") }
    if others > 0 {
      lines.append("Passed over: \(counted(others, "file that isn't a picture", "files that aren't pictures")).")
    }
    if let few { lines.append(few) }
    if let advice { lines.append(advice.words) }
    if let sheet { lines.append("The contact sheet is \(sheet).") }
    return lines
  }

  /// Columns as wide as their widest entry.
  private func table(_ facts: [FileFact]) -> [String] {
    let rows =
      [["", "in the file", "read as", "lost"]] + facts.map { [$0.property, $0.file, $0.read, $0.lost ?? "nothing"] }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return (cells + [row[3]]).joined(separator: "  ")
    }
  }

  private var summary: String {
    guard let smallest, let largest else { return "No picture in \(path) can be used." }
    let kinds = formats.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\(grouped($0.value)) \($0.key)" }
    let sizes =
      smallest.width == largest.width && smallest.height == largest.height
      ? "\(smallest.width) × \(smallest.height)"
      : "\(smallest.width) × \(smallest.height) to \(largest.width) × \(largest.height), typically \(typicalSide)"
    return "\(counted(pictures, "picture")) (\(kinds.joined(separator: ", "))), \(sizes) pixels."
  }

  private var few: String? {
    guard pictures > 0 && distinct < 30 else { return nil }
    return "That is few: below some 30 different pictures a generator repeats them; add more if you can."
  }

  /// One line for a finding: how many, and the first three by name.
  private func list(_ names: [String], _ one: String, _ many: String) -> [String] {
    names.isEmpty ? [] : ["\(grouped(names.count)) \(names.count == 1 ? one : many): \(firstThree(names))."]
  }

  private func groups(_ groups: [[String]], _ what: String) -> [String] {
    guard !groups.isEmpty else { return [] }
    let total = groups.reduce(0) { $0 + $1.count }
    let shown = groups.prefix(3).map { $0.prefix(3).joined(separator: " = ") + ($0.count > 3 ? " = …" : "") }
    let more = groups.count > 3 ? "; and \(counted(groups.count - 3, "more group"))" : ""
    let each = groups.count == 1 ? "" : " in \(counted(groups.count, "group"))"
    return ["\(counted(total, "picture"))\(each) \(what): \(shown.joined(separator: "; "))\(more)."]
  }

  private func firstThree(_ names: [String]) -> String {
    names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(grouped(names.count - 3)) more" : "")
  }
}
