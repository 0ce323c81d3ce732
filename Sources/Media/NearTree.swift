/// A k-d tree over coordinates (Bentley 1975).
///
/// What is near is found by going down two branches at once (Gray and Moore 2000), leaving out those whose boxes are too far
/// apart, and those that are one group already: a hundred thousand frames of one still cost no more than others.
struct NearTree {
  /// Points of a leaf, at most: half as many made the search of 100,000 pictures longer by two thirds.
  private static let leaf = 32
  private static let width = Coordinates.count

  struct Node {
    let start: Int, end: Int
    /// The first of two children, side by side; nil for a leaf.
    var children: Int?
    /// The largest reach of its points.
    var reach: Float = 0

    var points: Range<Int> { start..<end }
  }

  private(set) var nodes: [Node] = []
  /// The numbers of the points as they were given, in the tree's order.
  private(set) var order: [Int32]
  /// [points, 96], in the tree's order.
  private let coordinates: [Int16]
  /// How far apart the coordinates of two near points may be, the smaller of both counting.
  private let reaches: [Float]
  /// [nodes, 2, 96]: least and largest coordinates.
  private var boxes: [Int16] = []

  /// - Parameters:
  ///   - coordinates: [points, 96].
  ///   - reaches: how far apart the coordinates of two near points may be, the smaller of both counting.
  init(_ coordinates: [Int16], reaches: [Float]) {
    let width = Self.width
    precondition(coordinates.count == reaches.count * width)
    order = Array(0..<Int32(reaches.count))
    if !order.isEmpty { nodes.append(Node(start: 0, end: order.count)) }
    // Level by level, so that the nodes below come after those above.
    var at = 0
    while at < nodes.count {
      let node = nodes[at]
      let box = Box(order[node.points], of: coordinates)
      boxes += box.low + box.high
      nodes[at].reach = order[node.points].reduce(0) { max($0, reaches[Int($1)]) }
      if node.points.count > Self.leaf {
        // Half on each side, even where many are equal: no branch is longer than the logarithm of all points.
        let keys = order[node.points].map { point in
          UInt64(Int(coordinates[Int(point) * width + box.widest]) + 32768) << 32 | UInt64(point)
        }
        for (i, key) in keys.sorted().enumerated() { order[node.start + i] = Int32(truncatingIfNeeded: key) }
        let middle = (node.start + node.end) / 2
        nodes[at].children = nodes.count
        nodes += [Node(start: node.start, end: middle), Node(start: middle, end: node.end)]
      }
      at += 1
    }
    self.reaches = order.map { reaches[Int($0)] }
    let order = order
    self.coordinates = [Int16](unsafeUninitializedCapacity: coordinates.count) { out, filled in
      coordinates.withUnsafeBufferPointer { coordinates in
        for (k, point) in order.enumerated() {
          for i in 0..<width { out[k * width + i] = coordinates[Int(point) * width + i] }
        }
      }
      filled = coordinates.count
    }
  }
}

/// The least and largest coordinates of some points, and the coordinate that varies most.
private struct Box {
  let low: [Int16], high: [Int16]
  let widest: Int

  init(_ points: ArraySlice<Int32>, of coordinates: [Int16]) {
    let width = Coordinates.count
    var low = [Int16](repeating: .max, count: width), high = [Int16](repeating: .min, count: width)
    var sums = [Float](repeating: 0, count: width), squares = sums
    coordinates.withUnsafeBufferPointer { coordinates in
      for point in points {
        let place = UnsafeBufferPointer(rebasing: coordinates[Int(point) * width..<(Int(point) + 1) * width])
        for i in 0..<width {
          (low[i], high[i]) = (min(low[i], place[i]), max(high[i], place[i]))
          let value = Float(place[i])
          sums[i] += value
          squares[i] += value * value
        }
      }
    }
    let variances = (0..<width).map { squares[$0] - sums[$0] * sums[$0] / Float(points.count) }
    // Not the extent: a single odd picture would decide.
    widest = variances.indices.max { variances[$0] < variances[$1] }!
    (self.low, self.high) = (low, high)
  }
}

extension NearTree {
  /// Whether a point of one node may be near one of another.
  func mayMeet(_ a: Int, _ b: Int) -> Bool {
    let reach = min(nodes[a].reach, nodes[b].reach)
    return boxes.withUnsafeBufferPointer { boxes in
      let x = boxes.baseAddress! + a * 2 * Self.width, y = boxes.baseAddress! + b * 2 * Self.width
      return Self.gap(x, x + Self.width, y, y + Self.width, isWithin: reach)
    }
  }

  /// Whether a point may be near one of a node.
  func mayMeet(point: Int, _ node: Int) -> Bool {
    let reach = min(reaches[point], nodes[node].reach)
    return coordinates.withUnsafeBufferPointer { coordinates in
      boxes.withUnsafeBufferPointer { boxes in
        let x = coordinates.baseAddress! + point * Self.width, y = boxes.baseAddress! + node * 2 * Self.width
        return Self.gap(x, x, y, y + Self.width, isWithin: reach)
      }
    }
  }

  /// Whether two points may be near each other.
  func mayBeNear(_ i: Int, _ j: Int) -> Bool {
    let reach = min(reaches[i], reaches[j])
    return coordinates.withUnsafeBufferPointer { all in
      let x = all.baseAddress! + i * Self.width, y = all.baseAddress! + j * Self.width
      let limit = Int32(reach * reach)
      var sum: Int32 = 0
      for start in stride(from: 0, to: Self.width, by: 32) {
        for i in start..<start + 32 {
          let d = Int32(x[i] &- y[i])
          sum &+= d &* d
        }
        if sum > limit { return false }
      }
      return true
    }
  }

  /// Whether the nearest points of two boxes are within a distance: mostly known from the first, coarse coordinates.
  @inline(__always)
  private static func gap(
    _ lowA: UnsafePointer<Int16>, _ highA: UnsafePointer<Int16>, _ lowB: UnsafePointer<Int16>,
    _ highB: UnsafePointer<Int16>, isWithin reach: Float
  ) -> Bool {
    let limit = Int32(reach * reach)
    var sum: Int32 = 0  // At most 3072 × 255², and rounding: below 2³¹.
    for start in stride(from: 0, to: width, by: 32) {
      for i in start..<start + 32 {
        let d = Int32(max(0, max(lowB[i] &- highA[i], lowA[i] &- highB[i])))
        sum &+= d &* d
      }
      if sum > limit { return false }
    }
    return true
  }
}
