/// The classes of pictures in a set; by their folders, cats/1.png and dogs/2.png are of two classes.
public struct PictureClasses: Codable, Sendable, Equatable {
  /// Folders' names in the order of their letters, or those of found classes; none where there are fewer than two.
  public let names: [String]
  /// How many pictures each has.
  public let counts: [Int]
  /// For each picture which of `names` it is of; -1 for none.
  public let labels: [Int]

  /// More folders than this are taken for an order of another kind.
  public static let most = 256

  /// - Parameter paths: of the pictures, with folders divided by "/". What all have in common, such as the one folder of a
  ///   zip file, is passed over.
  public init(of paths: [String]) {
    var folders = paths.map { $0.split(separator: "/").dropLast().map(String.init)[...] }
    while let first = folders.first?.first, folders.allSatisfy({ $0.first == first }) {
      folders = folders.map { $0.dropFirst() }
    }
    let firsts = folders.map(\.first)
    let found = Set(firsts.compactMap { $0 }).sorted()
    guard (2...Self.most).contains(found.count) else {
      self.init(names: [], labels: paths.map { _ in -1 })
      return
    }
    let numbers = Dictionary(uniqueKeysWithValues: found.enumerated().map { ($1, $0) })
    self.init(names: found, labels: firsts.map { $0.flatMap { numbers[$0] } ?? -1 })
  }

  /// - Parameter labels: for each picture which of `names` it is of; -1 for none.
  public init(names: [String], labels: [Int]) {
    (self.names, self.labels) = (names, labels)
    counts = names.indices.map { number in labels.count { $0 == number } }
  }

  /// The labels by another list of names, as a run has it that was begun before pictures came or went.
  public func labels(in known: [String]) -> [Int] {
    let numbers = names.map { known.firstIndex(of: $0) ?? -1 }
    return labels.map { $0 < 0 ? -1 : numbers[$0] }
  }
}
