import Synchronization
import Torch

/// A part of a network: a final class whose stored properties are its architecture.
///
/// Its state is the tensors that it and its modules store, found by reflection and named as PyTorch's `state_dict`
/// names them: `runningMean` becomes `running_mean`, a list counts from 0. Tensors that require gradients are its
/// parameters. Reflection takes microseconds a property: ask for `state` and `parameters` once, not each step.
///
/// ```swift
/// final class Discriminator: Module {
///   let first = Conv2d(3, 32, kernel: 4, stride: 2, padding: 1)
///   let last = Linear(32 * 16 * 16, 1)
///   func callAsFunction(_ x: Tensor) -> Tensor { last(leakyRelu(first(x)).flattened(from: 1)) }
/// }
/// ```
public protocol Module: Saved {
  /// What the module stores, by PyTorch's names: by default its stored properties.
  var members: [(name: String, value: Any)] { get }

  /// Fills the module's own tensors, not those of its modules, which are filled already. Call `initialize` instead.
  func fill(_ noise: inout Noise, as scheme: Initialization)
}

/// A module from one tensor to one tensor.
public protocol UnaryModule: Module {
  func callAsFunction(_ x: Tensor) -> Tensor
}

/// A module that behaves differently while it trains.
public protocol ModeDependent: Module {
  var isTraining: Bool { get set }
}

/// A tensor that a module computes with, but that is no part of its state (PyTorch's non-persistent buffer).
public final class Constant {
  public let tensor: Tensor
  public init(_ tensor: Tensor) { self.tensor = tensor }
}

extension Module {
  public var members: [(name: String, value: Any)] { members(saved: [:]) }

  /// The stored properties, some under other names in the state, which files have and which stay.
  ///
  /// - Parameter names: by the properties' names.
  public func members(saved names: [String: String]) -> [(name: String, value: Any)] {
    Mirror(reflecting: self).children.map { child in
      let label = child.label ?? ""
      return (names[label] ?? snakeCase(label), child.value)
    }
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {}

  /// All tensors of the state with their names, in the order in which the properties are declared.
  public var state: [(name: String, tensor: Tensor)] {
    var found: [(name: String, tensor: Tensor)] = []
    walk(self, "", enter: { if let tensor = $1 as? Tensor { found.append(($0, tensor)) } })
    return found
  }

  /// This module and all modules in it, each before what it holds.
  public var modules: [any Module] {
    var found: [any Module] = []
    walk(self, "", enter: { if let module = $1 as? any Module { found.append(module) } })
    return found
  }

  /// The tensors that are trained, each once even if two modules share it.
  public var parameters: [Tensor] {
    var seen = Set<ObjectIdentifier>()
    return state.map(\.tensor).filter { $0.requiresGradient && seen.insert(ObjectIdentifier($0)).inserted }
  }

  /// How many numbers are trained.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Fills the state with PyTorch's default distributions or another scheme. Until then parameters are NaN.
  ///
  /// Modules are filled before the module that holds them, each in the order of `state`, which is the order in
  /// which PyTorch's constructors draw: the same seed gives the same network.
  public func initialize(_ noise: inout Noise, as scheme: Initialization = .standard) {
    withoutGradients {
      for (_, tensor) in state { tensor.materialize() }
      walk(self, "", leave: { $0.fill(&noise, as: scheme) })
    }
  }

  /// Copies tensors into the state by name, converting their dtype.
  ///
  /// - Parameter strict: whether a name without a partner on the other side is an error.
  /// - Throws: `StateError`, before anything is changed.
  public func load(_ named: [String: Tensor], strict: Bool = true) throws(StateError) {
    try copy(named, into: state, strict: strict)
  }

  /// Sets whether normalisation and dropout act as in training. Modules are made training.
  public func setTraining(_ on: Bool) {
    for case let module as any ModeDependent in modules { module.isTraining = on }
  }

  /// Turns gradients of all parameters on or off. Off, they are no longer `parameters`.
  /// Statistics of normalisations never have any.
  public func setRequiresGradient(_ on: Bool) {
    let statistics = ["running_mean", "running_var", "weight_u", "weight_v"]
    for (name, tensor) in state where tensor.dtype.isFloatingPoint && tensor.requiresGradient != on {
      if on, statistics.contains(where: name.hasSuffix) { continue }
      tensor.requiringGradient(on)
    }
  }

  /// Moves state and constants to a device. Optimizers made before keep their parameters.
  public func move(to device: Device) {
    replaceTensors { $0.device == device ? nil : $0.to(device) }
  }

  /// Lays the weights of 2-d and 3-d convolutions out with channels last. Give the network pictures laid out so too.
  public func useChannelsLast() {
    replaceTensors { $0.rank == 4 || $0.rank == 5 ? $0.channelsLast() : nil }
  }

  /// On a device, with channels last.
  @discardableResult public func placed(on device: Device) -> Self {
    move(to: device)
    useChannelsLast()
    return self
  }

  /// Filled, on a device, with channels last: ready to train.
  @discardableResult public func prepared(
    _ noise: inout Noise, as scheme: Initialization = .standard, on device: Device
  ) -> Self {
    initialize(&noise, as: scheme)
    return placed(on: device)
  }

  private func replaceTensors(_ replacement: (Tensor) -> Tensor?) {
    withoutGradients {
      walk(self, "") { _, value in
        guard let tensor = value as? Tensor ?? (value as? Constant)?.tensor else { return }
        if let other = replacement(tensor) { tensor.become(other) }
      }
    }
  }

  public var savedTensors: [String: Tensor] {
    Dictionary(state.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
  }

  public func restore(_ tensors: [String: Tensor]) throws(StateError) { try load(tensors) }
}

/// Visits a module's tensors, constants and modules, depth first.
///
/// - Parameters:
///   - enter: is given each tensor, constant and module, a module before what it holds.
///   - leave: is given each module after what it holds.
private func walk(
  _ value: Any, _ name: String, enter: (String, Any) -> Void = { _, _ in }, leave: (any Module) -> Void = { _ in }
) {
  switch value {
  case is Tensor, is Constant:
    enter(name, value)
  case let module as any Module:
    enter(name, module)
    for member in module.members { walk(member.value, join(name, member.name), enter: enter, leave: leave) }
    leave(module)
  case let list as [Any]:
    for (i, element) in list.enumerated() { walk(element, join(name, "\(i)"), enter: enter, leave: leave) }
  case let named as [String: Any]:
    for (key, element) in named.sorted(by: { $0.key < $1.key }) {
      walk(element, join(name, key), enter: enter, leave: leave)
    }
  default: break
  }
}

private func join(_ a: String, _ b: String) -> String { a.isEmpty ? b : a + "." + b }

/// `runningMean` to `running_mean`, `toRGB` to `to_rgb`.
func snakeCase(_ label: String) -> String {
  if let known = snakeCases.withLock({ $0[label] }) { return known }
  let letters = Array(label)
  var out = ""
  for (i, letter) in letters.enumerated() {
    let startsWord = i > 0 && (!letters[i - 1].isUppercase || (i + 1 < letters.count && letters[i + 1].isLowercase))
    if letter.isUppercase && startsWord && letters[i - 1] != "_" { out += "_" }
    out += letter.lowercased()
  }
  snakeCases.withLock { $0[label] = out }
  return out
}

/// Names of properties are few, and asked for at every save.
private let snakeCases = Mutex<[String: String]>([:])
