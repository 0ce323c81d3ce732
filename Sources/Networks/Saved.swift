import Torch

/// Something whose state is tensors with names, and which goes on exactly where it was when they are given back.
public protocol Saved: AnyObject {
  /// The state by name. The tensors are the live ones, not copies.
  var savedTensors: [String: Tensor] { get }

  /// Copies the tensors into the state; all names and shapes are checked first, so that a failure changes nothing.
  func restore(_ tensors: [String: Tensor]) throws(StateError)
}

/// Why a set of named tensors does not fit a network, an optimizer or an average.
public enum StateError: Explained, Equatable {
  /// A tensor that the state needs is not there.
  case missing(String)
  /// A tensor is there that the state has no place for.
  case unexpected(String)
  /// A tensor has another shape than its place.
  case shape(String, expected: [Int], found: [Int])

  public var sentence: String {
    switch self {
    case .missing(let name):
      "The weights lack the tensor '\(name)': use a file that was saved by the same recipe with the same settings."
    case .unexpected(let name):
      "The weights hold a tensor '\(name)' that this network has no place for: "
        + "use a file that was saved by the same recipe with the same settings."
    case .shape(let name, let expected, let found):
      "The tensor '\(name)' has the shape \(found), but this network needs \(expected): "
        + "use the settings (size, channels, width) that the file was saved with."
    }
  }

  public var exit: Exit { .data }
}

extension [String: Tensor] {
  /// The shape of a weight that says how large a network is. Networks are built before their weights are compared, so a file of a
  /// few bytes mustn't ask for more than it has: what is empty is refused.
  ///
  /// - Throws: `StateError` when it is missing, of another rank or empty.
  public func shape(of name: String, rank: Int) throws(StateError) -> [Int] {
    guard let tensor = self[name], tensor.rank == rank, tensor.count > 0 else { throw .missing(name) }
    return tensor.shape
  }

  /// Checks one of the largest weights before a network is built to its size.
  ///
  /// - Throws: `StateError`.
  public func expect(_ name: String, _ shape: [Int]) throws(StateError) {
    let found = try self.shape(of: name, rank: shape.count)
    guard found == shape else { throw .shape(name, expected: shape, found: found) }
  }
}

/// Copies `tensors` into `state` by name after checking every name and shape.
///
/// - Parameter strict: whether every name must have its partner on both sides.
func copy(
  _ tensors: [String: Tensor], into state: [(name: String, tensor: Tensor)], strict: Bool = true
) throws(StateError) {
  let pairs = try check(tensors, fit: state, strict: strict)
  withoutGradients {
    for (mine, theirs) in pairs { mine.copy(from: theirs) }
  }
}

/// Checks every name and shape, and changes nothing.
///
/// - Returns: the tensors of both that belong together.
@discardableResult
func check(
  _ tensors: [String: Tensor], fit state: [(name: String, tensor: Tensor)], strict: Bool = true
) throws(StateError) -> [(mine: Tensor, theirs: Tensor)] {
  var unused = Set(tensors.keys)
  var pairs: [(mine: Tensor, theirs: Tensor)] = []
  for (name, mine) in state {
    guard let theirs = tensors[name] else {
      if strict { throw .missing(name) }
      continue
    }
    guard mine.shape == theirs.shape else { throw .shape(name, expected: mine.shape, found: theirs.shape) }
    unused.remove(name)
    pairs.append((mine, theirs))
  }
  if strict, let name = unused.min() { throw .unexpected(name) }
  return pairs
}
