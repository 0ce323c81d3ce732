/// Numbers from 0 on, in sets that are united pair by pair (Tarjan 1975).
public struct DisjointSets: Sendable {
  private var parents: [Int32]

  /// - Parameter count: numbers, each of which begins alone; below 2³¹.
  public init(count: Int) { parents = Array(0..<Int32(count)) }

  /// The number that stands for a set: its least one.
  public mutating func root(of number: Int) -> Int {
    parents.withUnsafeMutableBufferPointer { parents in
      var at = Int32(number)
      while parents[Int(at)] != at {
        // Halving the path keeps the next search short.
        parents[Int(at)] = parents[Int(parents[Int(at)])]
        at = parents[Int(at)]
      }
      return Int(at)
    }
  }

  public mutating func unite(_ a: Int, _ b: Int) {
    let (x, y) = (root(of: a), root(of: b))
    parents[max(x, y)] = Int32(min(x, y))
  }

  /// Sets with two or more of the numbers that count, each in ascending order, by their first.
  public mutating func groups(where counts: (Int) -> Bool) -> [[Int]] {
    var groups: [Int: [Int]] = [:]
    for number in parents.indices where counts(number) { groups[root(of: number), default: []].append(number) }
    return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
  }
}
