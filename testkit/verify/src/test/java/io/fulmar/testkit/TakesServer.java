package io.fulmar.testkit;

/** A program that takes the server of its JVM, for {@link ChosenServerTest} to run. */
final class TakesServer {
  private TakesServer() {}

  public static void main(String[] args) {
    try {
      System.out.println("took " + TestServer.shared());
    } catch (IllegalStateException e) {
      System.out.println("refused " + e.getMessage());
      try {
        TestServer.shared();
      } catch (IllegalStateException again) {
        System.out.println("again " + again.getMessage());
      }
      return;
    }
    TestDatabase database = TestServer.shared().createDatabase();
    System.out.println("made " + database.name() + " at port " + database.port());
    if (args.length > 0) {
      Runtime.getRuntime().halt(0);
    }
  }
}
