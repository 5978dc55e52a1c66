//! The permissions that `app::Users` gives to everybody, declared. A name belongs to the program, so it stands in the
//! source: `blog.publish_post` there is `app3.change_model3` here.

auth::permissions! {
    app0 { change_model0: "0"; change_model7: "7"; change_model14: "14"; }
    app1 { change_model1: "1"; change_model8: "8"; change_model15: "15"; }
    app2 { change_model2: "2"; change_model9: "9"; change_model16: "16"; }
    app3 { change_model3: "3"; change_model10: "10"; change_model17: "17"; }
    app4 { change_model4: "4"; change_model11: "11"; change_model18: "18"; }
    app5 { change_model5: "5"; change_model12: "12"; change_model19: "19"; }
    app6 { change_model6: "6"; change_model13: "13"; }
}
