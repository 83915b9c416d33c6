/** What users of Fulmar and Fulmar itself test with. */
module io.fulmar.testkit {
  requires transitive io.fulmar.core;
  requires static org.jspecify;
}
