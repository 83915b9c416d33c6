package io.fulmar.consumer;

import io.fulmar.Model;

/** Uses what an application uses, and says that it worked. */
public final class Consumer {
  private Consumer() {}

  /**
   * Runs the application.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Model model = Model.query("customers", "select 1 as id").key("id");
    System.out.printf("model %s of %s%n", model.name(), Model.class.getModule());
  }
}
