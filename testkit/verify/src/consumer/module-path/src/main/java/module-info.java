/** An application that has a module descriptor and requires Fulmar. */
module io.fulmar.consumer {
  requires io.fulmar.core;
  requires io.fulmar.lightning;
  requires io.fulmar.tunnel;
}
