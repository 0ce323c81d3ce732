import Torch

/// Layers one after the other. Its tensors are named by the layers' numbers: `0.weight`.
public final class Sequential: UnaryModule {
  public let layers: [any UnaryModule]

  public init(_ layers: any UnaryModule...) { self.layers = layers }
  public init(_ layers: [any UnaryModule]) { self.layers = layers }

  public var members: [(name: String, value: Any)] { layers.enumerated().map { ("\($0)", $1) } }

  public subscript(i: Int) -> any UnaryModule { layers[i] }

  public func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }
}

/// `f(x) + x`, or `f(x) + shortcut(x)`.
public final class Residual: UnaryModule {
  public let main: any UnaryModule
  public let shortcut: (any UnaryModule)?

  public init(_ main: any UnaryModule, shortcut: (any UnaryModule)? = nil) {
    (self.main, self.shortcut) = (main, shortcut)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { main(x) + (shortcut?(x) ?? x) }
}

/// Gives back what it is given.
public final class Identity: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { x }
}
