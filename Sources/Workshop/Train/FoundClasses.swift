import Foundation
import Media
import Evaluation
import Torch
import Training

/// Where a run's classes come from.
public enum ClassChoice: Codable, Sendable, Equatable {
  /// Folders or a file of labels, where there are; else found, where there are enough pictures.
  case auto
  case folders
  case none
  /// So many are found, whatever folders there are.
  case found(Int)

  /// "auto", "folders", "none" or a number.
  public init?(_ words: String) {
    switch words {
    case "auto": self = .auto
    case "folders": self = .folders
    case "none": self = .none
    default:
      guard let count = Int(words), (2...PictureClasses.most).contains(count) else { return nil }
      self = .found(count)
    }
  }
}

/// Classes that nobody named: groups of pictures that a pretrained network sees as alike, called 1, 2, 3, …, the largest
/// first.
///
/// They are in RUN/classes.csv, a picture and its class a line, which may be edited and put beside the pictures as
/// labels.csv; RUN/classes.png shows what each is, a row a class.
struct FoundClasses {
  let classes: PictureClasses

  /// Fewer pictures hold too few of each kind.
  static let fewest = 200
  /// To look at more takes minutes, which nobody asked for.
  static let most = 20_000
  /// Pictures that a class has on average, and at least.
  private static let average = 100, least = 25

  /// How many classes suit so many pictures.
  static func count(for pictures: Int) -> Int { max(2, min(64, pictures / average)) }

  /// Looks at a set's pictures, and writes what it found into a run's folder.
  ///
  /// - Throws: as `featureNet`, `PictureError`, `FileError`.
  init(
    _ count: Int, of set: PictureSet, at path: String, in workspace: Workspace, on device: Device,
    progress: (Int, Int) -> Void, say: (String) -> Void
  ) throws {
    let net = try featureNet(isQuick: true, in: workspace, on: device, say: say)
    let seen = SetFeatures(of: set, at: path, by: net, atMost: set.count, progress: progress)
    var noise = Noise(seed: 0)
    let clusters = Clusters(
      of: seen.values, count: min(count, set.count), least: min(Self.least, set.count / (2 * count)), noise: &noise)
    var labels = [Int](repeating: -1, count: set.count)
    for (place, number) in seen.numbers.enumerated() { labels[number] = clusters.labels[place] }
    classes = PictureClasses(names: (1...clusters.centres.size(0)).map(String.init), labels: labels)
    let rows = classes.names.indices.map { clusters.middle(of: $0, in: seen.values, atMost: Self.shown) }
    sheet = rows.map { $0.map { seen.numbers[$0] } }
  }

  /// For each class the pictures that show best what it is.
  private let sheet: [[Int]]
  private static let shown = 12

  /// - Throws: `FileError`, `PictureError`.
  func write(to folder: String, of set: PictureSet) throws {
    let lines = set.names.indices.map { "\"\(field(set.names[$0]))\",\(classes.names[classes.labels[$0]])\n" }
    try AtomicFile.write(Array(lines.joined().utf8), to: Self.file(in: folder))
    var painter = SheetPainter(
      Sheet(columns: Self.shown, for: sheet.count * Self.shown), cells: sheet.count * Self.shown, size: set.size)
    let white = Picture(width: set.size.width, height: set.size.height, of: .white)
    for row in sheet {
      for picture in set.batch(row).unbound() { painter.add(Picture(picture)) }
      for _ in row.count..<max(Self.shown, row.count) { painter.add(white) }
    }
    try painter.drawn.write(folder + "/classes.png", text: [Provenance.software], isForced: true)
  }

  private static func file(in folder: String) -> String { folder + "/classes.csv" }

  /// What a run of before found; nil where it found none.
  ///
  /// - Throws: `RunError.damaged`.
  static func read(from folder: String, for set: PictureSet) throws -> PictureClasses? {
    guard let bytes = FileManager.default.contents(atPath: file(in: folder)) else { return nil }
    guard let pairs = try? LabelFile.table([UInt8](bytes), file(in: folder)).pairs else {
      throw RunError.damaged(path: file(in: folder))
    }
    let known = Dictionary(pairs.map { ($0.picture, $0.className) }) { $1 }
    let names = Array(Set(known.values)).sorted { ($0.count, $0) < ($1.count, $1) }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    return PictureClasses(names: names, labels: set.names.map { known[field($0)].flatMap { numbers[$0] } ?? -1 })
  }
}

/// A name as a field of a table can hold it.
private func field(_ name: String) -> String {
  String(name.filter { $0 != "\"" }.map { $0.isNewline ? " " : $0 }).trimmingCharacters(in: .whitespaces)
}

/// The classes that a new run finds in its pictures; nil where it takes those of folders, or none.
///
/// - Throws: `RunError.noClasses`, and where somebody asked for found classes, as `FoundClasses`.
func foundClasses<R: Recipe>(
  _ request: TrainRequest, _ type: R.Type, _ set: PictureSet, _ packed: Packed, knowsTraits: Bool,
  in workspace: Workspace, _ tell: (Event) -> Void
) throws -> FoundClasses? {
  let choice = request.classes ?? .auto
  let knowsClasses = R.Settings.keys.contains("classes")
  guard knowsClasses else {
    if case .found = choice { throw RunError.noClasses(recipe: R.name) }
    return nil
  }
  let count: Int
  switch choice {
  case .folders, .none: return nil
  case .found(let asked): count = asked
  case .auto:
    // Where networks are told what pictures are like, groups cost nothing; others would make one picture of each.
    let isAsked = request.settings.contains { $0.name == "conditional" }
    guard knowsTraits, R.Settings.keys.contains("traits"), !isAsked,
      (FoundClasses.fewest...FoundClasses.most).contains(set.count), PictureClasses(of: set.names).names.isEmpty
    else { return nil }
    count = FoundClasses.count(for: set.count)
  }
  guard count <= set.count else { throw RunError.tooManyClasses(count, pictures: set.count) }
  var pace = Pace(.pictures)
  do {
    let found = try FoundClasses(
      count, of: set, at: packed.path, in: workspace, on: request.device, progress: { tell(pace.at($0, of: $1)) },
      say: { tell(.note($0)) })
    tell(
      .note(
        "The pictures fall into \(found.classes.names.count) groups: classes.png in the run's folder shows them, and "
          + "`generate --class 1` asks for one."))
    return found
  } catch  where choice == .auto {
    tell(.note("No classes are found in the pictures: \((error as? any Explained)?.sentence ?? "\(error)")"))
    return nil
  }
}
