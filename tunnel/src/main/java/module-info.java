/** SSH tunnels to a source. */
module io.fulmar.tunnel {
  requires transitive io.fulmar.core;
  requires static org.jspecify;
}
