package check

import "context"

func (s *Search[S]) decideEventually(ctx context.Context, result *Result[S]) error { return nil }
