/// The search for groups of near points in a tree.
public struct NearSearch {
  /// Looks for each point, at most: pairs of coordinates, boxes, and whole pictures, which count for more.
  ///
  /// Sets of some 36,000 pictures never come to it by coordinates alone, whatever they are; others only where nearly all are
  /// like nearly all others and yet not near, as pieces of one grain: to look at all of these pairs would take a million
  /// pictures days.
  public static let looks = 20_000
  /// What comparing two whole pictures costs, in looks.
  private static let costOfWhole = 32

  private let tree: NearTree
  /// Looks at two whole points, by their numbers as they were given to the tree.
  private let isNear: (Int, Int) throws -> Bool
  /// Of places in the tree's order.
  private var sets: DisjointSets
  /// Whether all of a node's points are known to be one group.
  private var isOne: [Bool]
  private var pairs: [(Int, Int)] = []
  private var looksLeft: Int

  init(_ tree: NearTree, looks: Int = looks, isNear: @escaping (Int, Int) throws -> Bool) {
    (self.tree, self.isNear) = (tree, isNear)
    sets = DisjointSets(count: tree.order.count)
    isOne = [Bool](repeating: false, count: tree.nodes.count)
    looksLeft = looks * tree.order.count
  }

  /// Unites all that are near each other.
  ///
  /// - Returns: the sets, and whether all was looked at.
  mutating func run() throws -> (sets: DisjointSets, isWhole: Bool) {
    // Those below first: what is near is mostly found there, and then left out above.
    for node in tree.nodes.indices.reversed() where looksLeft >= 0 { try look(within: node) }
    var found = DisjointSets(count: tree.order.count)
    for place in tree.order.indices {
      found.unite(Int(tree.order[place]), Int(tree.order[sets.root(of: place)]))
    }
    return (found, looksLeft >= 0)
  }

  private mutating func look(within node: Int) throws {
    let points = tree.nodes[node].points
    guard let children = tree.nodes[node].children else {
      for i in points { try compare(i, i + 1..<points.upperBound) }
      return
    }
    pairs.append((children, children + 1))
    while looksLeft >= 0, let (a, b) = pairs.popLast() {
      let (x, y) = (tree.nodes[a], tree.nodes[b])
      if isOneGroup(a), isOneGroup(b), sets.root(of: x.start) == sets.root(of: y.start) { continue }
      looksLeft -= 1
      guard tree.mayMeet(a, b) else { continue }
      switch (x.children, y.children) {
      case (nil, nil):
        for i in x.points {
          looksLeft -= 1
          if tree.mayMeet(point: i, b) { try compare(i, y.points) }
        }
      case (let first?, nil): pairs += [(first, b), (first + 1, b)]
      case (let first?, _) where x.points.count >= y.points.count: pairs += [(first, b), (first + 1, b)]
      case (_, let first?): pairs += [(a, first), (a, first + 1)]
      }
    }
  }

  private mutating func compare(_ i: Int, _ others: Range<Int>) throws {
    looksLeft -= others.count
    for j in others where tree.mayBeNear(i, j) && sets.root(of: i) != sets.root(of: j) {
      looksLeft -= Self.costOfWhole
      if try isNear(Int(tree.order[i]), Int(tree.order[j])) { sets.unite(i, j) }
    }
  }

  private mutating func isOneGroup(_ node: Int) -> Bool {
    if isOne[node] { return true }
    let points = tree.nodes[node].points, root = sets.root(of: points.lowerBound)
    if let children = tree.nodes[node].children {
      guard isOne[children], isOne[children + 1], sets.root(of: tree.nodes[children + 1].start) == root else {
        return false
      }
    } else {
      for i in points where sets.root(of: i) != root { return false }
    }
    isOne[node] = true
    return true
  }
}
