import Testing
import Torch

@Suite struct PathTests {
  @Test(arguments: [
    ("a", ""), ("ab", ""), ("", ""), ("/", "/"), ("/a", "/"), ("a/", ""), ("a/b", "a"), ("a/b/", "a"), ("/a//b", "/a"),
    ("//a", "/"), ("./é", "."), ("a/b/c.png", "a/b"),
  ])
  func parents(_ path: String, _ parent: String) { #expect(path.parentPath == parent) }
}
